//! Stops the node's writing before the disk is full: a write that fails half way is survived, and still costs a restart.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use full_node::{node::Node, storage::free_bytes};

/// Between two looks. The largest blocks there may be fill a gigabyte in minutes.
const EVERY: Duration = Duration::from_secs(2);

/// What the free space says to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Stop,
    Go,
    AsBefore,
}

/// An eighth more than the minimum is needed to go on, so that it does not change its mind with every block.
const fn judge(free: u64, minimum: u64) -> Verdict {
    if free < minimum {
        Verdict::Stop
    } else if free >= minimum.saturating_add(minimum / 8) {
        Verdict::Go
    } else {
        Verdict::AsBefore
    }
}

/// Watches the disk of `folder`, and pauses the node while less than `minimum` bytes are free there. Never with 0.
pub(super) async fn watch(node: Node, folder: PathBuf, minimum: u64) {
    if minimum > 0 {
        look(node, &folder, minimum, EVERY, || free_bytes(&folder)).await;
    }
}

/// As [`watch`], as often as is said, with what `free` finds; `None` is a system that cannot say.
async fn look(
    node: Node,
    folder: &Path,
    minimum: u64,
    every: Duration,
    free: impl Fn() -> io::Result<Option<u64>>,
) {
    let (mut stopped, mut silent) = (false, false);
    let mut every = tokio::time::interval(every);
    loop {
        every.tick().await;
        let free = match free() {
            Ok(Some(free)) => free,
            Ok(None) => return,
            Err(error) => {
                unknown(&error, &mut silent);
                continue;
            }
        };
        match judge(free, minimum) {
            Verdict::Stop if !stopped => {
                let why = format!(
                    "{} MiB are free where {} is, and the settings ask for {}: make room, and it goes on by itself",
                    free >> 20,
                    folder.display(),
                    minimum >> 20
                );
                tracing::error!("the node stands still: {why}");
                node.pause(Some(why));
                stopped = true;
            }
            Verdict::Go if stopped => {
                tracing::info!(free_mib = free >> 20, "there is room on the disk again: the node goes on");
                node.pause(None);
                stopped = false;
            }
            _ => {}
        }
    }
}

/// Said once: the log is on a disk, too.
fn unknown(error: &io::Error, silent: &mut bool) {
    if !*silent {
        tracing::warn!(%error, "cannot find out how much room is left on the disk");
        *silent = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use full_node::{
        node::{ChainChoice, NodeConfig},
        storage::Retention,
    };
    use light_client::data_format::Time;

    use super::*;

    /// The guard of a real node, with a disk whose free bytes are told, or an error below 0.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_node_stands_still_while_there_is_no_room_and_goes_on_by_itself() {
        static FREE: AtomicI64 = AtomicI64::new(1_000);
        let genesis = Time(1_790_000_000_000);
        let node = Node::open(NodeConfig {
            data: None,
            chain: ChainChoice::Development,
            payee: None,
            minting_keys: Vec::new(),
            retention: Retention::default(),
            pool: full_node::transaction::Limits::default(),
            recoveries: Vec::new(),
            now: genesis,
        })
        .unwrap();
        let guard = tokio::spawn({
            let node = node.clone();
            async move {
                let free = || match FREE.load(Ordering::SeqCst) {
                    free @ 0.. => Ok(Some(free.unsigned_abs())),
                    _ => Err(io::Error::other("no answer")),
                };
                look(node, Path::new("/chain"), 800, Duration::from_millis(1), free).await;
            }
        });
        let mut slot = 0;
        let mut height_after_a_slot = || {
            slot += 1;
            node.advance(genesis.plus_ms(slot * 1_000 + 10)).unwrap();
            node.status().head.height.0
        };
        let halted = async |wanted: bool| {
            while node.status().halted.is_some() != wanted {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        assert_eq!(height_after_a_slot(), 1);
        FREE.store(799, Ordering::SeqCst);
        halted(true).await;
        let words = node.status().halted.unwrap();
        assert!(words.contains("/chain") && words.contains("goes on by itself"), "{words}");
        assert_eq!(height_after_a_slot(), 1, "it mints nothing");
        // Neither a little room nor no answer is enough.
        for free in [850, -1] {
            FREE.store(free, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert!(node.status().halted.is_some());
        }
        FREE.store(900, Ordering::SeqCst);
        halted(false).await;
        assert_eq!(height_after_a_slot(), 2, "it goes on");
        guard.abort();
    }

    #[test]
    fn it_stops_below_the_minimum_and_goes_on_well_above() {
        assert_eq!(judge(799, 800), Verdict::Stop);
        assert_eq!(judge(800, 800), Verdict::AsBefore);
        assert_eq!(judge(899, 800), Verdict::AsBefore);
        assert_eq!(judge(900, 800), Verdict::Go);
        assert_eq!(judge(u64::MAX, u64::MAX), Verdict::Go);
    }
}
