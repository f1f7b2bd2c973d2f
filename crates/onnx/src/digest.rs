//! Identity of a model file.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Files up to this many bytes are hashed whole. Larger ones are hashed without the payloads of
/// their weights, which import never reads.
pub const WHOLE_FILE_LIMIT: usize = 8 << 20;

/// SHA-256 of a model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Whether the weights' payloads were left out.
    pub without_weights: bool,
}

/// Hashes `file`, whose slices `payloads` hold weights.
pub(crate) fn digest<'a>(file: &Bytes, payloads: impl Iterator<Item = &'a Bytes>) -> Digest {
    let without_weights = file.len() > WHOLE_FILE_LIMIT;
    let mut skipped = Vec::new();
    if without_weights {
        skipped.extend(payloads.map(|p| (offset(file, p), p.len())));
        skipped.sort_unstable();
    }
    let mut hash = Sha256::new();
    let mut position = 0;
    for (start, length) in skipped {
        hash.update(&file[position..start]);
        position = start + length;
    }
    hash.update(&file[position..]);
    let sha256 = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Digest { sha256, without_weights }
}

/// Position of `slice` within `file`.
fn offset(file: &Bytes, slice: &Bytes) -> usize {
    slice.as_ptr().addr() - file.as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_are_hashed_without_payloads() {
        let mut content = vec![7; WHOLE_FILE_LIMIT + 100];
        let a = Bytes::from(content.clone());
        content[50] = 9;
        let b = Bytes::from(content);
        let hash = |f: &Bytes| digest(f, [&f.slice(40..60)].into_iter());
        assert_eq!(hash(&a), hash(&b));
        assert!(hash(&a).without_weights);
        assert_ne!(hash(&a).sha256, digest(&a, std::iter::empty()).sha256);
    }

    #[test]
    fn small_files_are_hashed_whole() {
        let file = Bytes::from_static(b"abc");
        let digest = digest(&file, [&file.slice(0..1)].into_iter());
        assert_eq!(digest.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(!digest.without_weights);
    }
}
