//! Selection by secret indices is never free.

use hawkeye::{Options, Visibility};
use hawkeye_testing::{fixtures, profile};

/// What looking rows of a table up gives: an error, unless the indices are public.
fn look_up(framework: &str, indices: Visibility) -> Result<u64, String> {
    let visibility = [("ids".to_owned(), indices)].into();
    let options = Options { visibility, ..Options::default() };
    let report = profile(&fixtures().join("sirnn/models/embedding.onnx"), framework, &options);
    report.map(|report| report.totals.online.bytes).map_err(|failure| failure.to_string())
}

#[test]
fn secret_indices_are_refused() {
    for framework in ["cheetah", "cryptflow2", "cryptflow2-he", "sirnn"] {
        let refusal = look_up(framework, Visibility::Secret).expect_err("it is refused");
        assert!(refusal.contains("secret"), "{framework}: {refusal}");
        assert!(refusal.contains("embedding"), "{framework}: {refusal}");
    }
}

#[test]
fn public_indices_are_local() {
    for framework in ["cheetah", "cryptflow2", "cryptflow2-he", "sirnn"] {
        assert_eq!(
            look_up(framework, Visibility::Public),
            Ok(0),
            "{framework}: the model's rows are the model's"
        );
    }
}
