//! The worker's module: `worker.js` in the served folder starts it. Everything that decides is in the library; this moves bytes.

mod host;

fn main() {
    host::start();
}
