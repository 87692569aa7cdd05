//! Stops the node's writing before the disk is full: a write that fails half way is survived, and still costs a restart.

use std::{io, path::PathBuf, time::Duration};

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
    if minimum == 0 {
        return;
    }
    let (mut stopped, mut silent) = (false, false);
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        let free = match free_bytes(&folder) {
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
    use super::*;

    #[test]
    fn it_stops_below_the_minimum_and_goes_on_well_above() {
        assert_eq!(judge(799, 800), Verdict::Stop);
        assert_eq!(judge(800, 800), Verdict::AsBefore);
        assert_eq!(judge(899, 800), Verdict::AsBefore);
        assert_eq!(judge(900, 800), Verdict::Go);
        assert_eq!(judge(u64::MAX, u64::MAX), Verdict::Go);
    }
}
