//! The fuzz targets of `fuzz/` on their seeds and on mutations of these: counted, and the same every
//! time. `cargo fuzz` goes further.

use hawkeye_testing::targets;

use std::path::{Path, PathBuf};

/// The files of a seed corpus, by name.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the corpus is there").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect();
    assert!(!seeds.is_empty());
    seeds
}

/// Numbers by xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound.max(1)
    }
}

/// Bytes that overflow something.
const NASTY: [&[u8]; 6] = [
    &[0xff; 10],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    &[0],
    &[0x7f; 8],
    b"-1",
    b"99999999999",
];

fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let length = random.below(16).min(bytes.len() - at);
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let nasty = NASTY[random.below(NASTY.len())];
                let end = (at + nasty.len()).min(bytes.len());
                bytes.splice(at..end, nasty.iter().copied());
            }
            _ => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                let piece = other[from..(from + 64).min(other.len())].to_vec();
                bytes.splice(at..at + length, piece);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// Feeds the seeds, so many of which come through, and mutations of them.
fn run(target: &str, through: usize, count: usize, feed: impl Fn(&[u8]) -> bool) {
    let seeds = seeds(target);
    assert_eq!(seeds.iter().filter(|seed| feed(seed)).count(), through, "of {} seeds", seeds.len());
    let start = std::env::var("HAWKEYE_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count = std::env::var("HAWKEYE_FUZZ_COUNT").ok().and_then(|n| n.parse().ok()).unwrap_or(count);
    let mut random = Random(start);
    for _ in 0..count {
        feed(&mutated(&seeds, &mut random));
    }
}

#[test]
fn models() {
    run("import", 8, 20_000, targets::model);
}

/// Models under every framework, through every renderer. Three seeds hold what no framework has.
#[test]
fn reports() {
    run("import", 5, 1_500, targets::whole);
}

#[test]
fn manifests() {
    let folder = tempfile::tempdir().expect("a folder");
    run("manifest", 1, 2_000, |text| targets::manifest(folder.path(), text));
}

#[test]
fn sheets() {
    let folder = tempfile::tempdir().expect("a folder");
    run("sheet", 2, 2_000, |text| targets::sheet(folder.path(), text));
}
