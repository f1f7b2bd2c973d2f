//! A framework as files that stand by themselves.

use std::collections::{HashMap, HashSet};

use hawkeye_graph::Failure;

use crate::folder::{FilePath, STD};
use crate::framework::Framework;
use crate::inspect::{Sources, whole};

impl Framework {
    /// The manifest and every sheet that it needs, but for those of `//std`, as files of one directory: names
    /// and contents. What was shared with other frameworks lies among them.
    ///
    /// # Errors
    /// If a sheet can't be read.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let sources = Sources::gather(&self.folder, &self.manifest)?;
        let (path, manifest) = self.manifest_file();
        let mut names: HashMap<&FilePath, String> = HashMap::new();
        let mut taken: HashSet<String> = HashSet::new();
        // Its own keep their names.
        let (own, shared): (Vec<_>, Vec<_>) = sources.0.iter().partition(|source| source.own);
        for source in own.iter().chain(&shared) {
            let path = source.file.display();
            let mut parts = path.rsplit('/');
            let (file, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            if is_std(&source.file) {
                continue;
            }
            let mut name = file.to_owned();
            if !taken.insert(name.clone()) {
                name = format!("{folder}_{file}");
                taken.insert(name.clone());
            }
            names.insert(&source.file, name);
        }
        let mut files = Vec::new();
        for source in &sources.0 {
            let Some(name) = names.get(&source.file) else { continue };
            let mut text = source.text.clone();
            for (module, file) in source.loads.iter().filter(|(module, _)| module.ends_with(".star")) {
                if let Some(new) = names.get(file) {
                    text = text.replace(&format!("\"{module}\""), &format!("\"{new}\""));
                }
            }
            files.push((name.clone(), text.into_bytes()));
        }
        files.sort();
        let mut manifest = manifest;
        for sheet in self.manifest.sheets.iter().chain(self.manifest.modules.values()) {
            let file = self.folder.file(sheet).map_err(|problem| whole(&path, problem))?;
            if let Some(new) = names.get(&file).filter(|new| *new != sheet) {
                manifest = manifest.replace(sheet.as_str(), new);
            }
        }
        files.insert(0, ("framework.yaml".to_owned(), manifest.into_bytes()));
        Ok(files)
    }
}

fn is_std(file: &FilePath) -> bool {
    matches!(file, FilePath::Builtin(path) if path.starts_with(STD))
}
