# Each target installs what it needs and says so. Needed before: rustup, a C compiler, make, JDK 17 with Maven, Node.js 20, and apt.
.PHONY: run test bench check advisories

# A development chain with the wallet served from it; prints the address to open.
run:
	@tests/make/run.sh

# Every test.
test:
	@tests/make/test.sh

# Figures on standard output, `name value unit`.
bench:
	@tests/make/bench.sh

# Format, lints, licences, documentation, other targets.
check:
	@tests/make/check.sh

# Known faults of dependencies; asks the public list of them, so not part of `check`.
advisories:
	@tests/setup/deny.sh
	@target/tools/bin/cargo-deny --locked check advisories
