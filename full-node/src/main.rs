//! The command line of the full node.

fn main() {}
