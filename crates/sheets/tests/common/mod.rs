//! Frameworks of a few lines, on disk.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;

use hawkeye_cost::Calls;
use hawkeye_lower::LoweringError;
use hawkeye_sheets::{ConfiguredFramework, Framework};

const MANIFEST: &str = "
schema: hawkeye-framework/1
name: small
title: a framework of a few lines
version: '1'
parties: {default: 2, min: 2, max: 3}
visibility: {inputs: secret, weights: secret}
counters: {}
";

/// A framework on disk with these further lines in its manifest.
pub(crate) fn framework(lines: &str, sheets: &[(&str, &str)]) -> (ConfiguredFramework, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("the folder can be written");
    };
    write("framework.yaml", &format!("{MANIFEST}{lines}\n"));
    sheets.iter().for_each(|(name, text)| write(name, text));
    let name = folder.path().to_str().expect("paths are text here");
    let framework = Framework::open(name).expect("its manifest is fine");
    let instance = framework.instantiate(None, &BTreeMap::new()).expect("its sheets can be read");
    (instance, folder)
}

/// A framework of one sheet.
pub(crate) fn one(sheet: &str) -> (ConfiguredFramework, tempfile::TempDir) {
    framework("sheet: s.star", &[("s.star", sheet)])
}

/// What is wrong with a function of the sheets.
pub(crate) fn broken((instance, _): &mut (ConfiguredFramework, tempfile::TempDir), function: &str) -> String {
    match instance.sheets.call(&mut Calls::default(), function, &[]) {
        Err(LoweringError::Broken(message)) => message,
        other => format!("not broken: {other:?}"),
    }
}
