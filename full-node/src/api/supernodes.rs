//! Supernodes, and evidence against keys. All of it is claimed; tables and records can be proven by bundles.
//!
//! **Trust and bounds.** The lists are bounded by slot tables: 64 slots in force and 64 planned, and evidence of 256 keys.

use std::sync::Arc;

use axum::{Json, extract::State};
use light_client::{data_format::codec, state::RequestKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api,
    problem::{Problem, ProblemBody},
};
use crate::node::{SupernodeState, SupernodesState};

/// Everybody who holds a slot or is about to, after the newest block.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SupernodesAnswer {
    /// The height of the block after which this is so.
    pub height: u64,
    /// The round of that block.
    pub round: u64,
    /// Slots of a round; those that nobody in the list holds are vacant.
    pub slots: usize,
    /// The least effective balance of a holder, and of who contends for a slot, in units.
    pub contend_minimum: String,
    /// What is burned of who wins a slot, in units. The balance without it has to reach the minimum.
    pub contend_fee: String,
    /// By their slots; those who come after.
    pub supernodes: Vec<SupernodeAnswer>,
    /// Always `claimed`.
    pub trust: String,
}

/// A supernode, or somebody who was one or wanted to be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SupernodeAnswer {
    /// Whose slot it is.
    pub address: String,
    /// The position of its slot, from 0; null if it holds none.
    pub slot: Option<u8>,
    /// The position of its slot in the table that is planned, if there is one with it.
    pub planned: Option<u8>,
    /// The key that mints, or that was named last.
    pub minting_key: String,
    /// What it keeps of its rewards before they are shared, in hundredths of a percent.
    pub commission: u16,
    /// A higher commission to come.
    pub raised: Option<RaisedAnswer>,
    /// Who claims what it earns itself; null for itself.
    pub reward_address: Option<String>,
    /// Own coins and leased ones, in units.
    #[schema(example = "100000000000000")]
    pub effective: String,
    /// Its weight in the next block, in units; who contends has no more than the contend fee leaves of its balance.
    pub minting_average: String,
    /// What others lease to it, in units.
    pub leased_in: String,
    /// All stake that shares its rewards, in units.
    pub pool: String,
    /// Its commission that waits to be claimed, in units.
    pub unclaimed: String,
    /// For how many rounds with a certificate nothing was seen of it.
    pub idle_rounds: u64,
    /// Whether it may not contend.
    pub banned: bool,
    /// The first round in which a banned one may contend again; null while it has the slot that it owes.
    pub banned_until: Option<u64>,
    /// What waits for its turn: `ban`, `vacate`, `minting_key`, `release`, `contend`.
    pub waiting: Vec<String>,
}

/// A higher commission to come.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RaisedAnswer {
    /// In hundredths of a percent.
    pub commission: u16,
    /// From this round on.
    pub round: u64,
}

/// Evidence that a minting key signed what excludes each other.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EvidenceAnswer {
    /// The minting key.
    pub minting_key: String,
    /// The round in which it did so.
    pub round: u64,
    /// The evidence itself, in Borsh as hexadecimal digits: what a `report` carries.
    pub evidence: String,
}

/// Everybody who holds a slot or is about to, not proven.
#[utoipa::path(get, path = "/v1/supernodes", tag = "chain", responses(
    (status = OK, body = SupernodesAnswer),
    (status = SERVICE_UNAVAILABLE, body = ProblemBody)))]
pub(super) async fn supernodes(State(api): State<Arc<Api>>) -> Result<Json<SupernodesAnswer>, Problem> {
    let _place = api.place()?;
    Ok(Json(api.node.supernodes().await?.into()))
}

/// What this node has seen minting keys do that no honest holder does. Its own blocks report it by themselves.
#[utoipa::path(get, path = "/v1/evidence", tag = "chain", responses(
    (status = OK, body = [EvidenceAnswer]),
    (status = SERVICE_UNAVAILABLE, body = ProblemBody)))]
pub(super) async fn evidence(State(api): State<Arc<Api>>) -> Result<Json<Vec<EvidenceAnswer>>, Problem> {
    let _place = api.place()?;
    let slots = api.node.spec().engine.slot_count() as u64;
    let known = api.node.evidence().await?;
    let answer = |evidence: &light_client::data_format::Evidence| EvidenceAnswer {
        minting_key: evidence.accused().to_string(),
        round: evidence.offence(slots).round.0,
        evidence: codec::encode(evidence).iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    Ok(Json(known.iter().map(answer).collect()))
}

impl From<SupernodesState> for SupernodesAnswer {
    fn from(state: SupernodesState) -> Self {
        Self {
            height: state.height.0,
            round: state.round.0,
            slots: state.slots,
            contend_minimum: state.contend_minimum.units().to_string(),
            contend_fee: state.contend_fee.units().to_string(),
            supernodes: state.supernodes.into_iter().map(Into::into).collect(),
            trust: "claimed".to_owned(),
        }
    }
}

impl From<SupernodeState> for SupernodeAnswer {
    fn from(state: SupernodeState) -> Self {
        let units = |amount: light_client::data_format::Amount| amount.units().to_string();
        let kinds = [
            (RequestKind::Ban, "ban"),
            (RequestKind::Vacate, "vacate"),
            (RequestKind::MintingKey, "minting_key"),
            (RequestKind::Release, "release"),
            (RequestKind::Contend, "contend"),
        ];
        let waiting = kinds.into_iter().filter(|(kind, _)| state.waiting & kind.bit() != 0);
        Self {
            address: state.address.to_string(),
            slot: state.slot,
            planned: state.planned,
            minting_key: state.minting_key.to_string(),
            commission: state.commission,
            raised: state.raised.map(|(commission, round)| RaisedAnswer { commission, round: round.0 }),
            reward_address: state.reward_address.map(|address| address.to_string()),
            effective: units(state.effective),
            minting_average: units(state.minting_average),
            leased_in: units(state.leased_in),
            pool: units(state.pool),
            unclaimed: units(state.unclaimed),
            idle_rounds: state.idle_rounds,
            banned: state.banned,
            banned_until: state.banned_until.map(|round| round.0),
            waiting: waiting.map(|(_, name)| name.to_owned()).collect(),
        }
    }
}
