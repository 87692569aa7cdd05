//! A bar on the terminal while a node takes a snapshot or catches up. Where standard error is no terminal the log alone
//! says how far it is.

use std::{
    io::{self, IsTerminal, Write},
    sync::LazyLock,
    time::Duration,
};

use full_node::network::{ChainPeers, NetworkStatus};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use light_client::data_format::ChainId;
use tokio::sync::watch;

/// Between two looks at the network.
const EVERY: Duration = Duration::from_millis(250);
/// A node that is so few blocks behind draws no bar.
const NEAR: u64 = 20;
const LETTERS: &str = "  {bar:30} {msg}";

/// What is drawn at the bottom of the terminal; log lines go above it.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// How far a way is done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    done: u64,
    of: u64,
    words: String,
}

impl Way {
    fn of(chain: &ChainPeers) -> Option<Self> {
        if let Some(progress) = chain.snapshot {
            let words = progress.to_string();
            return Some(Self { done: progress.taken, of: progress.total, words });
        }
        let progress = chain.progress?;
        let (done, of) = (progress.at.0.saturating_sub(progress.from.0), progress.target.0 - progress.from.0);
        (progress.target.0 - progress.at.0 > NEAR).then(|| Self { done, of, words: progress.to_string() })
    }
}

/// Draws for as long as the network of a chain of this name goes on.
pub(super) async fn draw(name: String, chain: ChainId, network: watch::Receiver<NetworkStatus>) {
    if !io::stderr().is_terminal() {
        return;
    }
    let mut bar: Option<ProgressBar> = None;
    while network.has_changed().is_ok() {
        let way = network.borrow().chains.iter().find(|known| known.chain == chain).and_then(Way::of);
        match way {
            Some(way) => {
                let bar = bar.get_or_insert_with(|| BARS.add(bar_of(way.of)));
                bar.set_length(way.of);
                bar.set_position(way.done);
                bar.set_message(format!("{name}: {}", way.words));
            }
            None => bar.take().iter().for_each(ProgressBar::finish_and_clear),
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn bar_of(length: u64) -> ProgressBar {
    // The letters are fixed, and a test draws with them.
    let style = ProgressStyle::with_template(LETTERS).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style.progress_chars("█▌ "))
}

/// Writes something to the terminal while nothing is drawn there.
pub(super) fn above<T>(write: impl FnOnce() -> T) -> T {
    BARS.suspend(write)
}

/// Standard error for the log: whole lines, above what is drawn.
pub(crate) struct AboveBars;

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        above(|| io::stderr().write_all(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where something went wrong")]
mod tests {
    use full_node::network::{snapshot, sync};
    use light_client::{
        crypto::Hash,
        data_format::{Height, Time},
    };

    use super::*;

    #[test]
    fn the_bar_is_of_the_snapshot_then_of_the_blocks_and_goes_at_the_end() {
        assert!(ProgressStyle::with_template(LETTERS).is_ok());
        let sync = |at| sync::Progress::since(Time(0), Height(100), Height(at), Height(1_100), Time(10_000));
        let snapshot =
            snapshot::Progress { height: Height(9), taken: 600, total: 1_100, from: 100, ms: 10_000 };
        let chain = |snapshot, progress| ChainPeers { chain: Hash::ZERO, peers: 1, progress, snapshot };
        let way = Way::of(&chain(Some(snapshot), Some(sync(200)))).unwrap();
        assert_eq!((way.done, way.of), (600, 1_100));
        assert!(way.words.contains("54 %") && way.words.contains("about 10 s left"), "{}", way.words);
        let way = Way::of(&chain(None, Some(sync(200)))).unwrap();
        assert_eq!((way.done, way.of), (100, 1_000));
        assert_eq!(Way::of(&chain(None, Some(sync(1_085)))), None, "nearly there");
        assert_eq!(Way::of(&chain(None, None)), None);
    }
}
