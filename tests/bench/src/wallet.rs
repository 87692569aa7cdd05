//! What a visitor downloads, and how long it takes until the wallet shows a proven balance.

use crate::{
    measure::{Figures, gz_bytes, root, run_script},
    start::node_program,
};

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    figures.print("wallet.bundle.gz_bytes", gz_bytes("target/wallet", None)?, "B");
    let node = node_program()?;
    // Chromium opens a wallet that exists already.
    run_script(figures, &root().join("tests/browser/bench.mjs"), &[], &[("VSYS_NODE", node.as_path())])
}
