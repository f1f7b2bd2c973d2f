//! Element types of ONNX tensors.

use std::fmt;

macro_rules! dtypes {
    ($($variant:ident = $code:literal, $name:literal;)*) => {
        /// Element type of a tensor (`TensorProto.DataType` of the ONNX wire schema).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names are ONNX's own")]
        pub enum DType { $($variant,)* }

        impl DType {
            /// The type with this ONNX code, if there is one.
            #[must_use]
            pub fn from_onnx(code: i32) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The ONNX code.
            #[must_use]
            pub fn to_onnx(self) -> i32 {
                match self { $(Self::$variant => $code,)* }
            }

            /// Lower-case name as ONNX and numpy spell it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

dtypes! {
    Float32 = 1, "float32";
    Uint8 = 2, "uint8";
    Int8 = 3, "int8";
    Uint16 = 4, "uint16";
    Int16 = 5, "int16";
    Int32 = 6, "int32";
    Int64 = 7, "int64";
    String = 8, "string";
    Bool = 9, "bool";
    Float16 = 10, "float16";
    Float64 = 11, "float64";
    Uint32 = 12, "uint32";
    Uint64 = 13, "uint64";
    Complex64 = 14, "complex64";
    Complex128 = 15, "complex128";
    Bfloat16 = 16, "bfloat16";
    Float8E4m3fn = 17, "float8e4m3fn";
    Float8E4m3fnuz = 18, "float8e4m3fnuz";
    Float8E5m2 = 19, "float8e5m2";
    Float8E5m2fnuz = 20, "float8e5m2fnuz";
    Uint4 = 21, "uint4";
    Int4 = 22, "int4";
    Float4E2m1 = 23, "float4e2m1";
    Float8E8m0 = 24, "float8e8m0";
    Uint2 = 25, "uint2";
    Int2 = 26, "int2";
}

impl DType {
    /// Whether values of this type are real numbers, which frameworks encode as fixed-point.
    #[must_use]
    pub fn is_float(self) -> bool {
        match self {
            Self::Float32
            | Self::Float16
            | Self::Float64
            | Self::Bfloat16
            | Self::Float8E4m3fn
            | Self::Float8E4m3fnuz
            | Self::Float8E5m2
            | Self::Float8E5m2fnuz
            | Self::Float4E2m1
            | Self::Float8E8m0 => true,
            Self::Uint8
            | Self::Int8
            | Self::Uint16
            | Self::Int16
            | Self::Int32
            | Self::Int64
            | Self::String
            | Self::Bool
            | Self::Uint32
            | Self::Uint64
            | Self::Complex64
            | Self::Complex128
            | Self::Uint4
            | Self::Int4
            | Self::Uint2
            | Self::Int2 => false,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
