//! Files that are no ONNX model, but something that is taken for one.

use std::path::Path;

use bytes::Bytes;
use hawkeye_graph::{Diagnostic, Failure, Place};
use prost::Message;

use crate::wire::{ModelProto, TensorProto};

/// Bytes at a file's start, and at its end, that its format is told by.
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
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let end = &bytes[bytes.len() - start.len()..];
    let what = match start {
        [b'P', b'K', 3, 4, ..] => Some(archive(start, end)),
        _ => by_signature(start, end).or_else(|| by_text(start)).or_else(|| by_content(start)),
    };
    match what {
        Some((what, help)) => {
            Diagnostic::error(Place::Model, format!("not an ONNX file, but {what}")).help(help)
        }
        None => Diagnostic::error(Place::Model, format!("not an ONNX file: {cause}")).help(
            "the file may be truncated, hold the weights of a model alone, or be in another format; export it again",
        ),
    }
}

/// Says what a directory holds in place of a model.
#[must_use]
pub fn not_a_file(path: &Path) -> Diagnostic {
    let place = Place::File { path: path.display().to_string(), position: None };
    let holds = |name: &str| path.join(name).exists();
    let (what, help) = if holds("saved_model.pb") {
        ("it is the directory of a TensorFlow SavedModel", FROM_TENSORFLOW)
    } else if holds("Manifest.json") && holds("Data") {
        ("it is the directory of a Core ML model", FROM_ITS_FRAMEWORK)
    } else {
        (
            "it is a directory",
            "give the ONNX file itself; a shell gives all of a directory as DIRECTORY/*.onnx",
        )
    };
    Diagnostic::error(place, format!("can't be read: {what}")).help(help)
}

/// What a file is, and what to do.
type Told = (&'static str, &'static str);

const UNPACK: &str = "unpack it first";
const EXPORT: &str = "build the model in PyTorch, load this into it, and export that: \
                      torch.onnx.export(model, inputs, \"model.onnx\")";
const FROM_TENSORFLOW: &str = "convert it with tf2onnx: python -m tf2onnx.convert --saved-model DIRECTORY \
                               (or --graphdef FILE, or --checkpoint FILE.meta) --output model.onnx";
const FROM_KERAS: &str = "load it in Keras and export that: model.export(\"model.onnx\", format=\"onnx\")";
const FROM_PADDLE: &str = "convert it with paddle2onnx: paddle2onnx --model_dir DIRECTORY --model_filename FILE \
                           --params_filename FILE --save_file model.onnx";
const FROM_ITS_FRAMEWORK: &str = "give the ONNX file that it was made from, or export the model to ONNX where it was \
                                  trained";

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Archives of zip: names of members stand before each, and all at the end.
fn archive(start: &[u8], end: &[u8]) -> Told {
    let has = |needle: &[u8]| holds(start, needle) || holds(end, needle);
    if has(b"models/model.json") || has(b"archive_format") {
        let help =
            "export it on: torch.onnx.export(torch.export.load(\"FILE\"), dynamo=True).save(\"model.onnx\")";
        ("a program of torch.export", help)
    } else if has(b"constants.pkl") || has(b"/code/__torch__") {
        let help = "export the module that it was made from, or load and export it: \
                    torch.onnx.export(torch.jit.load(\"FILE\"), inputs, \"model.onnx\", dynamo=False)";
        ("a TorchScript module", help)
    } else if has(b"data.pkl") || has(b"/version") {
        ("a PyTorch checkpoint", EXPORT)
    } else if has(b"model.weights.h5") || has(b"metadata.json") {
        ("a Keras model", FROM_KERAS)
    } else if has(b".npy") {
        ("NumPy arrays", "give the model that they belong to")
    } else {
        ("a zip archive", "unpack it first: unzip FILE")
    }
}

/// Formats that begin, or end, with bytes of their own.
fn by_signature(start: &[u8], end: &[u8]) -> Option<Told> {
    Some(match start {
        [0x1f, 0x8b, ..] => {
            ("a file compressed with gzip", "unpack it first: gunzip -c FILE | hawkeye profile -")
        }
        [b'B', b'Z', b'h', ..] => ("a file compressed with bzip2", UNPACK),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => ("a file compressed with xz", UNPACK),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("a file compressed with zstd", UNPACK),
        [0x04, 0x22, 0x4d, 0x18, ..] => ("a file compressed with lz4", UNPACK),
        [b'7', b'z', 0xbc, 0xaf, ..] => ("a 7z archive", UNPACK),
        [b'R', b'a', b'r', b'!', ..] => ("a RAR archive", UNPACK),
        [b'G', b'G', b'U', b'F', ..] => ("a GGUF file, which holds weights and no model", EXPORT),
        [b'l' | b'f', b'm', b'g', b'g', ..] | [b't', b'j', b'g', b'g', ..] => {
            ("a GGML file, which holds weights and no model", EXPORT)
        }
        [b'f' | b'p', b't', b'r', b't', ..] => ("an engine of TensorRT", FROM_ITS_FRAMEWORK),
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
        // The magic number of a table, which ends it.
        _ if end.ends_with(&[0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]) => {
            ("the index of a TensorFlow checkpoint", FROM_TENSORFLOW)
        }
        // Versions of the file, of its levels of detail and of the tensor are 0, then a description with its length.
        _ if start.len() > 20 && start[..16] == [0; 16] && start[16] > 0 && start[20] == 0x08 => {
            ("parameters of PaddlePaddle, which are no model", FROM_PADDLE)
        }
        _ => return None,
    })
}

/// Formats that are text.
fn by_text(start: &[u8]) -> Option<Told> {
    let all = String::from_utf8_lossy(start);
    // The last character may be cut.
    let all = all.trim_start_matches('\u{feff}').trim_end_matches(char::REPLACEMENT_CHARACTER).trim_start();
    if all.contains(|c: char| (c.is_control() && !c.is_whitespace()) || c == char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let has = |needle: &str| all.contains(needle);
    let markup = all.get(..14).unwrap_or(all).to_lowercase();
    Some(if all.starts_with("version https://git-lfs") {
        ("a Git LFS pointer, which stands for a file that was not downloaded", "fetch it: git lfs pull")
    } else if all.starts_with('<') && (has("ir_version") || has("opset_import")) {
        let help = "write it as a file: python -c 'import onnx, sys; \
                    onnx.save(onnx.parser.parse_model(open(sys.argv[1]).read()), \"model.onnx\")' FILE";
        ("ONNX's text form", help)
    } else if all.starts_with("ir_version:") {
        let help = "write it as a file: python -c 'import onnx, sys; \
                    onnx.save(onnx.load(sys.argv[1], format=\"textproto\"), \"model.onnx\")' FILE";
        ("ONNX as text of protobuf", help)
    } else if all.starts_with('{') && (has("\"irVersion\"") || has("\"opsetImport\"")) {
        let help = "write it as a file: python -c 'import onnx, sys; \
                    onnx.save(onnx.load(sys.argv[1], format=\"json\"), \"model.onnx\")' FILE";
        ("ONNX as JSON", help)
    } else if all.starts_with('{') && has("\"modelTopology\"") {
        let help = "convert it with tf2onnx: python -m tf2onnx.convert --tfjs FILE --output model.onnx";
        ("a TensorFlow.js model", help)
    } else if all.starts_with('{') && has("\"base_code\"") {
        ("a PaddlePaddle model", FROM_PADDLE)
    } else if all.starts_with('{') && has("\"nodes\"") && has("\"op\"") {
        ("a symbol of MXNet", FROM_ITS_FRAMEWORK)
    } else if all.starts_with('{') && has("\"class_name\"") {
        ("the layers of a Keras model", FROM_KERAS)
    } else if (all.starts_with("<?xml") && has("<net")) || all.starts_with("<net ") {
        ("an OpenVINO model", "give the ONNX file that it was made from")
    } else if markup.starts_with("<!doctype html") || markup.starts_with("<html") {
        ("a web page, perhaps that of a download", "download the file itself, often under \"raw\"")
    } else if all.starts_with("7767517") {
        ("a model of ncnn", FROM_ITS_FRAMEWORK)
    } else if has("layer {") || has("layers {") {
        ("a model of Caffe", FROM_ITS_FRAMEWORK)
    } else if all.starts_with("schema: hawkeye/") || (all.starts_with('{') && has("\"schema\": \"hawkeye/")) {
        ("a report, which is made from a model", "hawkeye compare and hawkeye check read reports")
    } else {
        ("text", "give the ONNX file itself")
    })
}

/// Messages of protobuf other than ONNX's model.
fn by_content(start: &[u8]) -> Option<Told> {
    let has = |needle: &[u8]| holds(start, needle);
    Some(match start {
        _ if has(b"saved_model_main_op") || has(b"__saved_model_init_op") || has(b"serving_default") => {
            ("a TensorFlow SavedModel", FROM_TENSORFLOW)
        }
        _ if has(b"\x12\x0bPlaceholder") || has(b"\x12\x05Const") => ("a TensorFlow graph", FROM_TENSORFLOW),
        _ if has(b"\x1a\x04feed") || has(b"\x1a\x05fetch") => ("a PaddlePaddle model", FROM_PADDLE),
        // A version, and a description that begins with an input; ONNX has the exporter's name there.
        [0x08, 1..=20, 0x12, size @ ..] if described(size) => ("a Core ML model", FROM_ITS_FRAMEWORK),
        // A name, and layers as field 100.
        [0x0a, ..] if has(b"\xa2\x06") && (has(b"\x12\x0bConvolution") || has(b"\x12\x0cInnerProduct")) => {
            ("a model of Caffe", FROM_ITS_FRAMEWORK)
        }
        _ if TensorProto::decode(start).is_ok_and(|t| !t.dims.is_empty() && t.data_type.is_some()) => {
            ("one tensor in ONNX's format", "give the model that it belongs to")
        }
        _ => return None,
    })
}

/// Whether a length is followed by a message whose first field is 1 and has a length itself.
fn described(size: &[u8]) -> bool {
    let end = size.iter().take(5).position(|byte| byte & 0x80 == 0);
    end.is_some_and(|end| size.get(end + 1) == Some(&0x0a))
}

#[cfg(test)]
mod tests {
    use super::not_onnx;

    #[test]
    fn formats_are_told_by_their_starts() {
        let tar = [&[b'x'; 257][..], b"ustar\x0000"].concat();
        let checkpoint = [&[0; 40][..], b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"].concat();
        let far = [b"PK\x03\x04archive/data/0", &[0; 200_000][..], b"archive/constants.pkl"].concat();
        let paddle = [&[0; 16][..], b"\x04\x00\x00\x00\x08\x05\x10\x01"].concat();
        let cases: [(&[u8], &str); 41] = [
            (b"\x1f\x8b\x08\x00abc", "gzip"),
            (b"BZh91AY", "bzip2"),
            (b"\xfd7zXZ\x00", "xz"),
            (b"\x28\xb5\x2f\xfd\x00", "zstd"),
            (&tar, "a tar archive"),
            (b"GGUF\x03\x00\x00\x00", "a GGUF file"),
            (b"PK\x03\x04\x00\x00archive/data.pkl", "a PyTorch checkpoint"),
            (b"PK\x03\x04\x00\x00model.onnx", "a zip archive"),
            (b"PK\x03\x04m/data.pkl PK\x03\x04m/code/__torch__.py", "torch.jit.load"),
            (&far, "a TorchScript module"),
            (b"PK\x03\x04\x00\x00archive/archive_format", "torch.export.load"),
            (b"PK\x03\x04\x00\x00metadata.json", "a Keras model"),
            (b"PK\x03\x04\x00\x00weight.npy", "NumPy arrays"),
            (b"\x04\x22\x4d\x18\x00", "lz4"),
            (b"Rar!\x1a\x07\x00", "RAR"),
            (b"lmgg\x01\x00\x00\x00", "GGML"),
            (b"ftrt\x00\x00\x00\x00", "TensorRT"),
            (&checkpoint, "the index of a TensorFlow checkpoint"),
            (&paddle, "parameters of PaddlePaddle"),
            (b"\n\x1c\x1a\x04feed\xff", "paddle2onnx"),
            (b"{\"base_code\":{\"magic\":\"pir\"}}", "a PaddlePaddle model"),
            (b"{\"format\":\"graph-model\",\"modelTopology\":{}}", "--tfjs"),
            (b"{\n  \"nodes\": [{\"op\": \"null\"}]}", "MXNet"),
            (b"<net name=\"m\" version=\"11\">", "OpenVINO"),
            (b"7767517\n75 83\n", "ncnn"),
            (b"name: \"AlexNet\"\nlayer {\n  type: \"Input\"\n}", "Caffe"),
            (b"\x08\x04\x12\x0b\x0a\x09\x0a\x05image\x1a\x00", "Core ML"),
            (b"\x08\x02\x10\x01\x4a\x08\x00\x00\x80\x3f\x00\x00\x80\x3f", "one tensor"),
            (b"schema: hawkeye/1\ntotals: {}\n", "hawkeye compare"),
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
