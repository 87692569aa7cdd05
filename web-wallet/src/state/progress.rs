use light_client::data_format::{Height, Time};
use web_protocol::{PaymentStep, PaymentView};

/// A step in a payment's line of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Whether it is behind us.
    pub(crate) state: StepState,
    /// Which one.
    pub(crate) kind: StepKind,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepState {
    /// Done.
    Done,
    /// Being waited for.
    Now,
    /// To come.
    Next,
    /// The way ends here.
    Stopped,
}

/// The steps, and the side exits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    /// Signed on this device.
    Signed(Time),
    /// Taken by servers: how many and when, as far as known.
    Taken {
        /// When.
        at: Option<Time>,
        /// How many; 0 while waiting.
        servers: u32,
    },
    /// In a block.
    InBlock {
        /// Which, once it is.
        height: Option<Height>,
        /// When that was proven.
        at: Option<Time>,
    },
    /// Final.
    Final {
        /// The block's time, once it is.
        at: Option<Time>,
        /// About how many seconds are left, while waiting.
        seconds: Option<u32>,
    },
    /// Final, but the coins did not move.
    Failed(Height),
    /// Servers refused it.
    Refused {
        /// Stable code.
        code: String,
        /// What they said.
        words: String,
    },
    /// It can never happen any more.
    Expired,
    /// Another took its place.
    Replaced,
    /// Nobody can be asked, since when.
    Unknown(Time),
}

/// The line of time of a payment: what is behind it, what it waits for, what is to come, or where it ended.
pub(crate) fn steps(payment: &PaymentView) -> Vec<Step> {
    let mut line = vec![StepKind::Signed(payment.signed_at)];
    let taken = |servers| StepKind::Taken { at: payment.submitted_at, servers };
    let in_block = |height: Height, at| StepKind::InBlock { height: Some(height), at };
    let block_to_come = StepKind::InBlock { height: None, at: None };
    let end_to_come = StepKind::Final { at: None, seconds: None };
    let (now, to_come) = match &payment.step {
        PaymentStep::Signed => {
            ((StepState::Now, StepKind::Taken { at: None, servers: 0 }), vec![block_to_come, end_to_come])
        }
        PaymentStep::Submitted { servers, .. } => {
            line.push(taken(*servers));
            ((StepState::Now, block_to_come), vec![end_to_come])
        }
        PaymentStep::InBlock { height, at, final_in } => {
            line.extend([taken(0), in_block(*height, Some(*at))]);
            ((StepState::Now, StepKind::Final { at: None, seconds: Some(*final_in) }), vec![])
        }
        PaymentStep::Final { height, at, succeeded } => {
            line.extend([taken(0), in_block(*height, None)]);
            let end = if *succeeded {
                (StepState::Done, StepKind::Final { at: Some(*at), seconds: None })
            } else {
                (StepState::Stopped, StepKind::Failed(*height))
            };
            (end, vec![])
        }
        aside => {
            line.extend(payment.submitted_at.map(|_| taken(0)));
            line.extend(payment.in_block.map(|height| in_block(height, None)));
            (side_exit(aside), vec![])
        }
    };
    let steps = |state, kinds: Vec<StepKind>| kinds.into_iter().map(move |kind| Step { state, kind });
    let (state, kind) = now;
    steps(StepState::Done, line)
        .chain([Step { state, kind }])
        .chain(steps(StepState::Next, to_come))
        .collect()
}

fn side_exit(step: &PaymentStep) -> (StepState, StepKind) {
    match step {
        PaymentStep::Refused { code, words } => {
            (StepState::Stopped, StepKind::Refused { code: code.clone(), words: words.clone() })
        }
        PaymentStep::Expired => (StepState::Stopped, StepKind::Expired),
        PaymentStep::Replaced => (StepState::Stopped, StepKind::Replaced),
        PaymentStep::Unknown { since } => (StepState::Now, StepKind::Unknown(*since)),
        PaymentStep::Signed
        | PaymentStep::Submitted { .. }
        | PaymentStep::InBlock { .. }
        | PaymentStep::Final { .. } => (StepState::Next, StepKind::Final { at: None, seconds: None }),
    }
}
