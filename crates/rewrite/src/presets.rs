//! Sets of approximations that a publication uses together.

/// Rules that a publication uses together.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Name, as `--allow` takes it.
    pub name: &'static str,
    /// The rules' names.
    pub rules: &'static [&'static str],
    /// The publication, and what of it the rules leave out.
    pub source: &'static str,
}

/// All presets, in the order in which they are listed.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "mpcformer",
        rules: &["gelu-quad", "softmax-2quad"],
        source: "MPCFormer, Li et al., ICLR 2023; distilled",
    },
    Preset {
        name: "comet",
        rules: &["gelu-smu", "softmax-relu"],
        source: "Comet, arXiv 2405.17485; its first guess of the inverse square root is --set sqrt_nr_initial=secret",
    },
    Preset {
        name: "secformer",
        rules: &["gelu-fourier", "softmax-2quad"],
        source: "SecFormer, Luo et al., Findings of ACL 2024; its protocols for the sine and its Goldschmidt iterations \
                 are its own, here the framework's price",
    },
    Preset {
        name: "puma",
        rules: &["gelu-puma"],
        source: "PUMA, arXiv 2307.12533; its exponential is the framework's",
    },
    Preset { name: "bolt", rules: &["gelu-bolt"], source: "BOLT, Pang et al., S&P 2024" },
    Preset {
        name: "mpcvit",
        rules: &["gelu-relu", "softmax-scale", "softmax-relu"],
        source: "MPCViT, Zeng et al., ICCV 2023; which heads are scaled is its search's result, here the cheaper is taken",
    },
    Preset {
        name: "the-x",
        rules: &["gelu-relu", "softmax-relu", "layernorm-affine"],
        source: "THE-X, Chen et al., Findings of ACL 2022; its small network for the reciprocal in Softmax is trained on \
                 its own and left out: the framework's reciprocal stays",
    },
    Preset {
        name: "delphi-quad",
        rules: &["relu-square", "maxpool-avgpool"],
        source: "Delphi, Mishra et al., USENIX Security 2020; which ReLUs stay is its planner's result",
    },
];
