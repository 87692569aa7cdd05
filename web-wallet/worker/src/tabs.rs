//! One tab leads: it talks to the servers and writes the storage. The others show what it tells them.
//!
//! The lead goes to where a person is. A tab takes it when it comes into sight, when somebody does something in it, and when the leader is out of sight
//! or silent while this tab is in sight; who leads stops at once, without a word, because it may be frozen and unable to say one. So no command ever
//! travels between tabs: a tab that is asked for something leads before it answers. Tabs out of sight wait in line for a leader that ends.
//!
//! Two things keep two leaders from doing harm, however late one of them learns that it leads no more: the storage takes changes only from the tab
//! that [claimed](crate::platform::Effect::Load) it last, and a payment is stored before it is submitted. Who begins to lead reads everything anew in
//! the transaction of its claim, so it knows each payment that was ever stored.
//!
//! Keys stay in the tab in which the password was typed. Locking by a person's word locks every tab, and so does erasing or replacing the wallet. A
//! wallet that the browser has deleted is in the memory of these tabs alone: none gives it up because another one was made, nor lets it take that one's
//! place.
//!
//! **Trust and bounds.** Other tabs are scripts of our origin, which could do anything here anyway; what does not read is of another build and is not
//! heard. A follower holds one view, the newest.

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::data_format::{Address, Time};

/// How often a tab in sight asks whether the leader is still there. Twice that long is how late it notices that it is not.
const ASK_EVERY_MS: u64 = 2_000;

/// What tabs say to each other.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) enum Word {
    /// To the leader: tell what there is to see.
    Ask,
    /// From the leader.
    See {
        /// Whether a person sees the leader's page.
        visible: bool,
        /// The first account of its wallet.
        wallet: Option<Address>,
        /// What it shows: a written [`web_protocol::View`].
        view: Vec<u8>,
    },
    /// Forget the keys.
    Lock,
    /// The wallet with this first account was erased.
    Erased(Option<Address>),
}

/// What a tab is among the others.
pub(crate) struct Tabs {
    role: Role,
    visible: bool,
}

enum Role {
    Follows(Following),
    /// It has asked for the lead, or is reading what the leader before it stored.
    Begins {
        /// The lead is here.
        given: bool,
        /// When to claim the storage once more.
        claim_at: Option<Time>,
    },
    Leads {
        /// Tell the others, whether something has changed or not.
        tell: bool,
    },
}

#[derive(Default)]
struct Following {
    /// What the leader shows.
    seen: Option<Vec<u8>>,
    /// The leader was asked, and has not answered.
    asked: bool,
    /// When to ask it.
    ask_at: Option<Time>,
}

impl Tabs {
    /// A tab that has just been opened.
    pub(crate) fn new() -> Self {
        Self { role: Role::Follows(Following::default()), visible: false }
    }

    /// Whether this tab leads.
    pub(crate) const fn leads(&self) -> bool {
        matches!(self.role, Role::Leads { .. })
    }

    /// Whether a person sees the page.
    pub(crate) const fn visible(&self) -> bool {
        self.visible
    }

    /// The page came into sight or went out of it.
    pub(crate) fn set_visible(&mut self, visible: bool, now: Time) {
        self.visible = visible;
        self.tell();
        self.listen(now);
    }

    /// Begins to take the lead, unless this tab has it or is about to; returns whether it is to be asked for.
    pub(crate) fn begin(&mut self) -> bool {
        let follows = matches!(self.role, Role::Follows(_));
        if follows {
            self.role = Role::Begins { given: false, claim_at: None };
        }
        follows
    }

    /// The lead is here: what is stored is to be read first.
    pub(crate) fn given(&mut self) {
        self.role = Role::Begins { given: true, claim_at: None };
    }

    /// The storage has another tab's claim. A tab that was overtaken is told so by the browser, as soon as it can hear; else its own claim was not
    /// written, and it begins anew. After a while: two that overtake each other do so every so often, and no more.
    pub(crate) fn overtaken(&mut self, now: Time) {
        if self.leads() {
            self.role = Role::Begins { given: true, claim_at: Some(now.plus_ms(ASK_EVERY_MS)) };
        }
    }

    /// Whether the lead is here, so that what was read with a claim is the newest.
    pub(crate) const fn may_lead(&self) -> bool {
        matches!(self.role, Role::Leads { .. } | Role::Begins { given: true, .. })
    }

    /// What is stored was read: this tab leads.
    pub(crate) fn lead(&mut self) {
        self.role = Role::Leads { tell: true };
    }

    /// Another tab leads.
    pub(crate) fn follow(&mut self, now: Time) {
        self.role = Role::Follows(Following::default());
        self.listen(now);
    }

    /// Tell the others what there is to see, if this tab leads.
    pub(crate) fn tell(&mut self) {
        if let Role::Leads { tell } = &mut self.role {
            *tell = true;
        }
    }

    /// Whether the others are to be told though nothing has changed; asked once.
    pub(crate) fn take_tell(&mut self) -> bool {
        match &mut self.role {
            Role::Leads { tell } => std::mem::take(tell),
            _ => false,
        }
    }

    /// What the leader shows, if it is to be shown here too; returns whether this tab should lead in its place.
    pub(crate) fn see(&mut self, visible: bool, view: Option<Vec<u8>>, now: Time) -> bool {
        let Role::Follows(following) = &mut self.role else { return false };
        following.seen = view;
        following.asked = false;
        following.ask_at = self.visible.then(|| now.plus_ms(ASK_EVERY_MS));
        self.visible && !visible
    }

    /// What the leader shows, while another tab leads.
    pub(crate) fn seen(&self) -> Option<&Vec<u8>> {
        match &self.role {
            Role::Follows(following) => following.seen.as_ref(),
            _ => None,
        }
    }

    /// The time went on: whether the leader is to be asked, or is silent and to be replaced, or the storage to be claimed once more.
    pub(crate) fn tick(&mut self, now: Time) -> Option<Due> {
        let following = match &mut self.role {
            Role::Follows(following) => following,
            Role::Begins { claim_at, .. } => return claim_at.take_if(|at| *at <= now).map(|_| Due::Claim),
            Role::Leads { .. } => return None,
        };
        following.ask_at.take_if(|at| *at <= now)?;
        following.ask_at = Some(now.plus_ms(ASK_EVERY_MS));
        Some(if std::mem::replace(&mut following.asked, true) { Due::Lead } else { Due::Ask })
    }

    /// When [`Tabs::tick`] has something to say.
    pub(crate) fn next(&self) -> Option<Time> {
        match &self.role {
            Role::Follows(following) => following.ask_at,
            Role::Begins { claim_at, .. } => *claim_at,
            Role::Leads { .. } => None,
        }
    }

    /// A tab in sight asks at once; one out of sight does not care.
    fn listen(&mut self, now: Time) {
        match &mut self.role {
            Role::Follows(following) => {
                following.asked = false;
                following.ask_at = self.visible.then_some(now);
            }
            // The clock may have been set back.
            Role::Begins { claim_at: Some(at), .. } => *at = now.plus_ms(ASK_EVERY_MS).min(*at),
            _ => {}
        }
    }
}

/// What a tab that does not lead has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Ask the leader.
    Ask,
    /// Lead in its place.
    Lead,
    /// Claim the storage once more.
    Claim,
}
