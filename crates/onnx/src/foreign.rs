//! Files that are no ONNX model, but something that is taken for one.

use bytes::Bytes;
use hawkeye_graph::{Diagnostic, Failure, Place};
use prost::Message;

use crate::wire::ModelProto;

/// Bytes at a file's start that its format is told by.
const LOOKED_AT: usize = 64 * 1024;

/// The model in a file.
///
/// # Errors
/// If it is none, with what it is instead.
pub(crate) fn decode(bytes: &Bytes) -> Result<ModelProto, Failure> {
    ModelProto::decode(bytes.clone()).map_err(|e| not_onnx(bytes, &e.to_string()).into())
}

/// Says what a file is that is no ONNX model, and how to come from there to one.
pub(crate) fn not_onnx(bytes: &[u8], cause: &str) -> Diagnostic {
    if bytes.is_empty() {
        return Diagnostic::error(Place::Model, "the file is empty");
    }
    match foreign(&bytes[..bytes.len().min(LOOKED_AT)]) {
        Some((what, help)) => {
            Diagnostic::error(Place::Model, format!("not an ONNX file, but {what}")).help(help)
        }
        None => Diagnostic::error(Place::Model, format!("not an ONNX file: {cause}"))
            .help("the file may be truncated, or in another format; export it again"),
    }
}

const UNPACK: &str = "unpack it first";
const EXPORT: &str = "build the model in PyTorch, load this into it, and export that: \
                      torch.onnx.export(model, inputs, \"model.onnx\")";
const FROM_TENSORFLOW: &str = "convert it with tf2onnx: python -m tf2onnx.convert \
                               --saved-model DIRECTORY (or --graphdef FILE) --output model.onnx";
const FROM_KERAS: &str = "load it in Keras and export that: model.export(\"model.onnx\", format=\"onnx\")";

/// What the start of a file says it is, and what to do.
fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = String::from_utf8_lossy(&start[..start.len().min(1024)]);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let holds = |needle: &[u8]| start.windows(needle.len()).any(|window| window == needle);
    Some(match start {
        [0x1f, 0x8b, ..] => {
            ("a file compressed with gzip", "unpack it first: gunzip -c FILE | hawkeye profile -")
        }
        [b'B', b'Z', b'h', ..] => ("a file compressed with bzip2", UNPACK),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => ("a file compressed with xz", UNPACK),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("a file compressed with zstd", UNPACK),
        [b'7', b'z', 0xbc, 0xaf, ..] => ("a 7z archive", UNPACK),
        [b'P', b'K', 3, 4, ..] if holds(b"data.pkl") || holds(b"/version") || holds(b"archive_format") => {
            ("a PyTorch checkpoint", EXPORT)
        }
        [b'P', b'K', 3, 4, ..] if holds(b"model.weights.h5") || holds(b"metadata.json") => {
            ("a Keras model", FROM_KERAS)
        }
        [b'P', b'K', 3, 4, ..] => ("a zip archive", "unpack it first: unzip FILE"),
        [b'G', b'G', b'U', b'F', ..] => ("a GGUF file, which holds weights and no model", EXPORT),
        _ if start.get(257..262) == Some(b"ustar") => ("a tar archive", "unpack it first: tar xf FILE"),
        [0x80, 2..=5, ..] => ("a Python pickle, perhaps a PyTorch checkpoint", EXPORT),
        [0x89, b'H', b'D', b'F', ..] => ("an HDF5 file, perhaps a Keras model", FROM_KERAS),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => ("a NumPy array", "give the model that it belongs to"),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => (
            "a TensorFlow Lite model",
            "convert it with tf2onnx: python -m tf2onnx.convert --tflite FILE --output model.onnx",
        ),
        [_, _, _, _, b'O', b'R', b'T', b'M', ..] => {
            ("a model in ONNX Runtime's own format", "give the ONNX file that it was made from")
        }
        // Eight bytes of length, then that much JSON.
        [_, _, _, _, _, 0, 0, 0, b'{', ..] => {
            ("a safetensors file, which holds weights and no model", EXPORT)
        }
        _ if text.starts_with("version https://git-lfs") => {
            ("a Git LFS pointer, which stands for a file that was not downloaded", "fetch it: git lfs pull")
        }
        _ if text.starts_with('<') && (text.contains("ir_version") || text.contains("opset_import")) => (
            "ONNX's text form",
            "write it as a file: python -c 'import onnx, sys; \
             onnx.save(onnx.parser.parse_model(open(sys.argv[1]).read()), \"model.onnx\")' FILE",
        ),
        _ if text.starts_with("ir_version:") => (
            "ONNX as text of protobuf",
            "write it as a file: python -c 'import onnx, sys; \
             onnx.save(onnx.load(sys.argv[1], format=\"textproto\"), \"model.onnx\")' FILE",
        ),
        _ if text.starts_with('{') && (holds(b"\"irVersion\"") || holds(b"\"opsetImport\"")) => (
            "ONNX as JSON",
            "write it as a file: python -c 'import onnx, sys; \
             onnx.save(onnx.load(sys.argv[1], format=\"json\"), \"model.onnx\")' FILE",
        ),
        _ if text.starts_with("<?xml") && text.contains("<net") => {
            ("an OpenVINO model", "give the ONNX file that it was made from")
        }
        _ if text.to_lowercase().starts_with("<!doctype html")
            || text.to_lowercase().starts_with("<html") =>
        {
            ("a web page, perhaps that of a download", "download the file itself, often under \"raw\"")
        }
        _ if holds(b"saved_model_main_op")
            || holds(b"__saved_model_init_op")
            || holds(b"serving_default") =>
        {
            ("a TensorFlow SavedModel", FROM_TENSORFLOW)
        }
        _ if holds(b"\x12\x0bPlaceholder") || holds(b"\x12\x05Const") => {
            ("a TensorFlow graph", FROM_TENSORFLOW)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::not_onnx;

    #[test]
    fn formats_are_told_by_their_starts() {
        let tar = [&[b'x'; 257][..], b"ustar\x0000"].concat();
        let cases: [(&[u8], &str); 20] = [
            (b"\x1f\x8b\x08\x00abc", "gzip"),
            (b"BZh91AY", "bzip2"),
            (b"\xfd7zXZ\x00", "xz"),
            (b"\x28\xb5\x2f\xfd\x00", "zstd"),
            (&tar, "a tar archive"),
            (b"GGUF\x03\x00\x00\x00", "a GGUF file"),
            (b"PK\x03\x04\x00\x00archive/data.pkl", "a PyTorch checkpoint"),
            (b"PK\x03\x04\x00\x00model.onnx", "a zip archive"),
            (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "pickle"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
            (b"\x1c\x00\x00\x00TFL3\x14\x00", "TensorFlow Lite"),
            (b"\x18\x00\x00\x00ORTM\x00", "ONNX Runtime"),
            (b"\x10\x00\x00\x00\x00\x00\x00\x00{\"weight\":{}}   ", "safetensors"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
            (b"<\n  ir_version: 7,\n  opset_import: [\"\" : 10]\n>\nagraph (float[N] x)", "parse_model"),
            (b"ir_version: 8\ngraph {\n}", "textproto"),
            (b"{\n  \"irVersion\": \"8\",\n  \"graph\": {}}", "format=\"json\""),
            (b"<!DOCTYPE html><html>", "a web page"),
            (b"\x08\x01\x12\x80\x01\n\x00__saved_model_init_op", "SavedModel"),
            (b"\n\x2d\n\x05input\x12\x0bPlaceholder*\x0b\n\x05dtype", "a TensorFlow graph"),
        ];
        for (start, expected) in cases {
            let problem = not_onnx(start, "no cause");
            let help = problem.help.unwrap_or_default();
            assert!(format!("{} {help}", problem.message).contains(expected), "{}: {help}", problem.message);
        }
        assert_eq!(not_onnx(b"", "no cause").message, "the file is empty");
        assert_eq!(not_onnx(b"\x08\x07\x12", "no cause").message, "not an ONNX file: no cause");
    }
}
