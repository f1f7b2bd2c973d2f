//! Adds metadata and types to a model file, byte for byte the same otherwise.
//!
//! The file is taken apart only as far as its nodes' boundaries: everything else, weights above all,
//! is copied from where it lies, so that memory does not grow with the model.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::ops::Range;

use hawkeye_graph::{DType, Diagnostic, Failure, Place};
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint, encoded_len_varint};

use crate::wire::{
    StringStringEntryProto, TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};

/// What is added to a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Entries of the model's own metadata.
    pub model: Vec<(String, String)>,
    /// Entries of nodes' metadata, by position in the file's node list.
    pub nodes: BTreeMap<usize, Vec<(String, String)>>,
    /// Types and dimensions of values; an unknown dimension is `None`.
    pub values: Vec<(String, DType, Vec<Option<u64>>)>,
    /// Entries whose keys begin with this were added before, and are replaced.
    pub prefix: String,
}

/// A model with annotations, as pieces of the file and pieces of its own.
#[derive(Debug)]
pub struct Annotated<'a> {
    file: &'a [u8],
    pieces: Pieces,
    /// Whether weights lie in files of their own, whose places are relative to the model's.
    pub external_data: bool,
}

impl<'a> Annotated<'a> {
    /// Takes the file apart and annotates it.
    ///
    /// # Errors
    /// If the file is no ONNX model.
    pub fn new(file: &'a [u8], annotations: &Annotations) -> std::result::Result<Self, Failure> {
        let mut editor = Editor { file, annotations, external_data: false };
        let pieces = editor
            .model()
            .map_err(|e| Failure::from(Diagnostic::error(Place::Model, format!("not an ONNX file: {e}"))))?;
        Ok(Self { file, pieces, external_data: editor.external_data })
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, to: &mut dyn Write) -> std::io::Result<()> {
        for piece in &self.pieces.list {
            match piece {
                WirePiece::File(range) => to.write_all(&self.file[range.clone()])?,
                WirePiece::Own(bytes) => to.write_all(bytes)?,
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
enum WirePiece {
    File(Range<usize>),
    Own(Vec<u8>),
}

#[derive(Debug, Default)]
struct Pieces {
    list: Vec<WirePiece>,
    length: usize,
}

impl Pieces {
    fn file(&mut self, range: Range<usize>) {
        self.length += range.len();
        match self.list.last_mut() {
            Some(WirePiece::File(last)) if last.end == range.start => last.end = range.end,
            _ => self.list.push(WirePiece::File(range)),
        }
    }

    fn own(&mut self, bytes: Vec<u8>) {
        self.length += bytes.len();
        match self.list.last_mut() {
            Some(WirePiece::Own(last)) => last.extend(bytes),
            _ => self.list.push(WirePiece::Own(bytes)),
        }
    }

    /// A field that holds other pieces.
    fn field(&mut self, tag: u32, content: Self) {
        let mut header = Vec::with_capacity(8 + encoded_len_varint(content.length as u64));
        encode_key(tag, WireType::LengthDelimited, &mut header);
        encode_varint(content.length as u64, &mut header);
        self.own(header);
        for piece in content.list {
            match piece {
                WirePiece::File(range) => self.file(range),
                WirePiece::Own(bytes) => self.own(bytes),
            }
        }
    }

    fn message(&mut self, tag: u32, message: &impl Message) {
        let bytes = message.encode_to_vec();
        self.field(tag, Self { length: bytes.len(), list: vec![WirePiece::Own(bytes)] });
    }

    fn entries(&mut self, tag: u32, entries: &[(String, String)]) {
        for (key, value) in entries {
            let entry = StringStringEntryProto { key: Some(key.clone()), value: Some(value.clone()) };
            self.message(tag, &entry);
        }
    }
}

/// A field of a message.
struct WireField {
    tag: u32,
    /// With its key.
    whole: Range<usize>,
    /// What it holds, if it has a length.
    content: Option<Range<usize>>,
}

struct Editor<'a> {
    file: &'a [u8],
    annotations: &'a Annotations,
    external_data: bool,
}

type Result<T, E = String> = std::result::Result<T, E>;

/// Field numbers of `onnx.proto`.
mod tags {
    pub(super) const MODEL_GRAPH: u32 = 7;
    pub(super) const MODEL_METADATA: u32 = 14;
    pub(super) const GRAPH_NODE: u32 = 1;
    pub(super) const GRAPH_INITIALIZER: u32 = 5;
    pub(super) const GRAPH_INPUT: u32 = 11;
    pub(super) const GRAPH_OUTPUT: u32 = 12;
    pub(super) const GRAPH_VALUE_INFO: u32 = 13;
    pub(super) const NODE_OUTPUT: u32 = 2;
    pub(super) const NODE_METADATA: u32 = 9;
    pub(super) const TENSOR_EXTERNAL: u32 = 13;
    pub(super) const NAME_OF_VALUE_INFO: u32 = 1;
    pub(super) const KEY_OF_ENTRY: u32 = 1;
}

impl<'a> Editor<'a> {
    fn model(&mut self) -> Result<Pieces> {
        let mut pieces = Pieces::default();
        for field in self.fields(0..self.file.len())? {
            match &field.content {
                Some(content) if field.tag == tags::MODEL_GRAPH => {
                    let graph = self.graph(content.clone())?;
                    pieces.field(tags::MODEL_GRAPH, graph);
                }
                Some(content) if field.tag == tags::MODEL_METADATA && self.is_own(content.clone())? => {}
                _ => pieces.file(field.whole),
            }
        }
        pieces.entries(tags::MODEL_METADATA, &self.annotations.model);
        Ok(pieces)
    }

    fn graph(&mut self, range: Range<usize>) -> Result<Pieces> {
        let mut pieces = Pieces::default();
        let mut position = 0;
        let mut outputs = HashSet::new();
        let mut typed = HashSet::new();
        for field in self.fields(range)? {
            let Some(content) = field.content else {
                pieces.file(field.whole);
                continue;
            };
            match field.tag {
                tags::GRAPH_NODE => {
                    outputs.extend(self.texts(content.clone(), tags::NODE_OUTPUT)?);
                    let added = self.annotations.nodes.get(&position).map(Vec::as_slice);
                    let node = self.node(content, added.unwrap_or_default())?;
                    pieces.field(tags::GRAPH_NODE, node);
                    position += 1;
                    continue;
                }
                // Weights are copied as bytes, never decoded; only where they lie is looked at.
                tags::GRAPH_INITIALIZER => {
                    let fields = self.fields(content)?;
                    self.external_data |= fields.iter().any(|field| field.tag == tags::TENSOR_EXTERNAL);
                }
                tags::GRAPH_INPUT | tags::GRAPH_OUTPUT | tags::GRAPH_VALUE_INFO => {
                    typed.extend(self.texts(content, tags::NAME_OF_VALUE_INFO)?);
                }
                _ => {}
            }
            pieces.file(field.whole);
        }
        // A value that the file types already keeps that; one that no node of the file makes has no place there.
        for (name, dtype, dims) in &self.annotations.values {
            if outputs.contains(name.as_bytes()) && !typed.contains(name.as_bytes()) {
                pieces.message(tags::GRAPH_VALUE_INFO, &value_info(name, *dtype, dims));
            }
        }
        Ok(pieces)
    }

    fn node(&self, range: Range<usize>, added: &[(String, String)]) -> Result<Pieces> {
        let mut pieces = Pieces::default();
        for field in self.fields(range)? {
            match &field.content {
                Some(content) if field.tag == tags::NODE_METADATA && self.is_own(content.clone())? => {}
                _ => pieces.file(field.whole),
            }
        }
        pieces.entries(tags::NODE_METADATA, added);
        Ok(pieces)
    }

    /// Whether an entry was added by an earlier annotation.
    fn is_own(&self, entry: Range<usize>) -> Result<bool> {
        let prefix = self.annotations.prefix.as_bytes();
        Ok(!prefix.is_empty()
            && self.texts(entry, tags::KEY_OF_ENTRY)?.iter().any(|key| key.starts_with(prefix)))
    }

    /// What the fields of that number hold.
    fn texts(&self, range: Range<usize>, tag: u32) -> Result<Vec<&'a [u8]>> {
        let fields = self.fields(range)?;
        Ok(fields
            .into_iter()
            .filter(|field| field.tag == tag)
            .filter_map(|f| f.content)
            .map(|content| &self.file[content])
            .collect())
    }

    fn fields(&self, range: Range<usize>) -> Result<Vec<WireField>> {
        let mut fields = Vec::new();
        let mut left = &self.file[range.clone()];
        while !left.is_empty() {
            let start = range.end - left.len();
            let (tag, wire_type) = decode_key(&mut left).map_err(|e| e.to_string())?;
            let mut content = None;
            let length = match wire_type {
                WireType::Varint => {
                    decode_varint(&mut left).map_err(|e| e.to_string())?;
                    0
                }
                WireType::ThirtyTwoBit => 4,
                WireType::SixtyFourBit => 8,
                WireType::LengthDelimited => {
                    let length = decode_varint(&mut left).map_err(|e| e.to_string())?;
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    let from = range.end - left.len();
                    content = from.checked_add(length).map(|end| from..end);
                    length
                }
                // Groups have been deprecated since before ONNX.
                WireType::StartGroup | WireType::EndGroup => usize::MAX,
            };
            left = left.get(length..).ok_or("it ends within a field")?;
            fields.push(WireField { tag, whole: start..range.end - left.len(), content });
        }
        Ok(fields)
    }
}

fn value_info(name: &str, dtype: DType, dims: &[Option<u64>]) -> ValueInfoProto {
    let dim = |size: &Option<u64>| tensor_shape_proto::Dimension {
        value: size
            .and_then(|size| i64::try_from(size).ok())
            .map(tensor_shape_proto::dimension::Value::DimValue),
    };
    let tensor = type_proto::Tensor {
        elem_type: Some(dtype.to_onnx()),
        shape: Some(TensorShapeProto { dim: dims.iter().map(dim).collect() }),
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}
