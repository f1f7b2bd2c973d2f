.PHONY: all dist test lint accuracy paper zoo docs bench growth proto check-proto deny

all: test lint

# The program to give away, optimised as a whole: target/dist/hawkeye, under 25 MB.
dist:
	cargo build --profile dist -p hawkeye-cli

test:
	cargo test --release --workspace

lint:
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings

# Rewrites docs/ACCURACY.md, and the table of docs/TIME.md, from the traces in fixtures/.
accuracy:
	HAWKEYE_BLESS=1 cargo test --release --workspace --test accuracy --test conformance --test corpus --test pipeline --test time

# Rewrites the tables of docs/PAPER.md.
paper:
	HAWKEYE_BLESS=1 cargo test --release -p hawkeye --test paper

# Rewrites docs/ZOO.md.
zoo:
	HAWKEYE_BLESS=1 cargo test --release -p hawkeye --test zoo

# Rewrites what the commands in docs/REPORT.md and docs/TRAINING.md print, the table of //std in docs/FRAMEWORKS.md and
# that of savings in docs/OPTIMIZE.md.
docs:
	HAWKEYE_BLESS=1 cargo test --release -p hawkeye --test frameworks_doc
	HAWKEYE_BLESS=1 cargo test --release -p hawkeye-cli --test report_doc
	HAWKEYE_BLESS=1 cargo test --release -p hawkeye-rewrite --test savings_doc -- --ignored

bench:
	cargo bench -p hawkeye --bench passes

# Times models of up to 100,000 nodes beside tract and, if PYTHON has onnx, Python; draws docs/growth.svg.
growth:
	cargo bench -p hawkeye --bench growth

# Generates the wire types from proto/onnx.proto.
proto:
	cd proto/generate && cargo run --release -- ../../crates/onnx/src/wire.rs

check-proto:
	cd proto/generate && cargo run --release -- target/wire.rs
	diff proto/generate/target/wire.rs crates/onnx/src/wire.rs

deny:
	cargo deny check
