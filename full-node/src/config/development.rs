//! The chain of `vsys-node dev`: all of its keys are public, so its coins are worth nothing.

use std::sync::LazyLock;

use light_client::{
    crypto::{Domain, Hash, KeyPair},
    data_format::{
        Address, Amount, ChainSpec, EngineSpec, FeeSchedule, GenesisAccount, Holder, ModuleName, Network,
        SlotTable, SposSpec, Time, UNITS_PER_COIN,
    },
    wallet::Seed,
};
use zeroize::Zeroizing;

/// The phrase of the funded accounts. Everybody knows it: it is for development chains only.
pub const DEVELOPMENT_PHRASE: &str = "test test test test test test test test test test test junk";

/// What a funded account starts with.
const FUNDED: Amount = Amount(10_000_000 * UNITS_PER_COIN);
/// What the faucet starts with.
const FAUCET_FUNDS: Amount = Amount(1_000_000_000 * UNITS_PER_COIN);
/// What one faucet payment gives: 1,000 VSYS.
pub const FAUCET_PAYMENT: Amount = Amount(1_000 * UNITS_PER_COIN);
/// The least fee of a transfer or a lease: 0.1 VSYS, as in the V.Systems network.
const FEE: Amount = Amount(UNITS_PER_COIN / 10);
/// New coins of a block: 36 VSYS, as in the V.Systems network.
const BLOCK_REWARD: Amount = Amount(36 * UNITS_PER_COIN);
/// 1,000,000 VSYS, as in the V.Systems network.
const CONTEND_MINIMUM: Amount = Amount(1_000_000 * UNITS_PER_COIN);
/// 1,000 VSYS, where the V.Systems network takes 50,000: what the faucet gives at once.
const CONTEND_FEE: Amount = Amount(1_000 * UNITS_PER_COIN);
/// A chain of which one node holds all slots needs no more.
const MIN_FILLED: u8 = 1;
/// An hour.
const IDLE_ROUNDS: u32 = 900;
/// A quarter of an hour.
const BAN_ROUNDS: u32 = 225;
/// 10 %.
const GENESIS_COMMISSION: u16 = 1_000;
/// Ten minutes, where the V.Systems network takes four days.
const AVERAGE_WINDOW: u32 = 600;

/// Accounts of a test network that hold no slot.
pub const TESTNET_SPARE: usize = 3;
/// Blocks of the minting average balance on a test network.
pub const TESTNET_WINDOW: u32 = 30;

const SLOTS: u32 = 4;
const SLOT_MS: u32 = 1_000;
/// 21 days.
const TRUSTING_PERIOD_MS: u64 = 21 * 86_400_000;
const NETWORK: Network = Network::Test;

/// The development chain that starts at `genesis_time`; another moment gives another chain. One node holds all 4
/// slots of one second, so a payment is final in about ten.
pub fn development_spec(genesis_time: Time) -> ChainSpec {
    let funded = funded_accounts();
    let holders = funded.iter().zip(minting_keys()).map(|(address, key)| {
        Some(Holder { address: *address, minting_key: Hash(*key.public().as_bytes()) })
    });
    let mut accounts: Vec<_> =
        funded.iter().map(|address| GenesisAccount { address: *address, balance: FUNDED }).collect();
    let faucet = Address::of(&faucet_key().public(), NETWORK);
    accounts.push(GenesisAccount { address: faucet, balance: FAUCET_FUNDS });
    ChainSpec {
        name: "development".to_owned(),
        network: NETWORK,
        genesis_time,
        engine: EngineSpec::Spos(SposSpec {
            slot_ms: SLOT_MS,
            slots: SlotTable(holders.collect()),
            block_reward: BLOCK_REWARD,
            genesis_commission: GENESIS_COMMISSION,
            average_window: AVERAGE_WINDOW,
            contend_minimum: CONTEND_MINIMUM,
            contend_fee: CONTEND_FEE,
            min_filled: MIN_FILLED,
            idle_rounds: IDLE_ROUNDS,
            ban_rounds: BAN_ROUNDS,
        }),
        modules: vec![ModuleName::Coin, ModuleName::Lease, ModuleName::Supernode],
        fees: FeeSchedule { transfer: FEE, lease: FEE, supernode: FEE },
        trusting_period_ms: TRUSTING_PERIOD_MS,
        peers: Vec::new(),
        accounts,
    }
}

/// A chain for trying things out with several nodes: one slot for each of these minting keys, held by as many accounts of
/// [`DEVELOPMENT_PHRASE`] in their order. [`TESTNET_SPARE`] further accounts of it have twice as much as a holder, enough to
/// win a slot once their coins have lain for [`TESTNET_WINDOW`] blocks.
pub fn testnet_spec(genesis_time: Time, slot_ms: u32, minting_keys: &[Hash]) -> ChainSpec {
    let addresses = phrase_accounts(minting_keys.len().saturating_add(TESTNET_SPARE));
    let holder = |(address, minting_key): (&Address, &Hash)| {
        Some(Holder { address: *address, minting_key: *minting_key })
    };
    let slots = SlotTable(addresses.iter().zip(minting_keys).map(holder).collect());
    let endowed = |(place, address): (usize, &Address)| {
        let balance = if place < minting_keys.len() { FUNDED } else { Amount(FUNDED.0 * 2) };
        GenesisAccount { address: *address, balance }
    };
    // One more than two thirds: fewer could not make anything final.
    let min_filled = u8::try_from(minting_keys.len() * 2 / 3 + 1).unwrap_or(u8::MAX);
    ChainSpec {
        name: "testnet".to_owned(),
        engine: EngineSpec::Spos(SposSpec {
            slot_ms,
            slots,
            block_reward: BLOCK_REWARD,
            genesis_commission: GENESIS_COMMISSION,
            average_window: TESTNET_WINDOW,
            contend_minimum: CONTEND_MINIMUM,
            contend_fee: CONTEND_FEE,
            min_filled,
            idle_rounds: IDLE_ROUNDS,
            ban_rounds: BAN_ROUNDS,
        }),
        accounts: addresses.iter().enumerate().map(endowed).collect(),
        ..development_spec(genesis_time)
    }
}

/// The keys of all slots, by position.
pub fn minting_keys() -> Vec<KeyPair> {
    (0..SLOTS).map(|position| derived(b"minting", position)).collect()
}

/// The key the faucet pays from. Not one of the phrase's, so that a wallet restored from it never uses the same
/// nonces.
pub fn faucet_key() -> KeyPair {
    derived(b"faucet", 0)
}

/// The first accounts of [`DEVELOPMENT_PHRASE`]; each holds a slot.
pub fn funded_accounts() -> Vec<Address> {
    phrase_accounts(SLOTS as usize)
}

fn phrase_accounts(count: usize) -> Vec<Address> {
    let account = |seed: &Seed, index| seed.key(index).ok().map(|key| Address::of(&key.public(), NETWORK));
    let all = |seed| (0..).map_while(|index| account(seed, index)).take(count).collect();
    development_seed().map(all).unwrap_or_default()
}

/// The seed of [`DEVELOPMENT_PHRASE`], which is stretched once: that is meant to be slow. `None` would be a phrase that is
/// none.
pub fn development_seed() -> Option<&'static Seed> {
    // A constant phrase of the word list with its checksum; a test says so.
    static SEED: LazyLock<Option<Seed>> = LazyLock::new(|| Seed::from_bip39(DEVELOPMENT_PHRASE).ok());
    SEED.as_ref()
}

fn derived(purpose: &[u8], position: u32) -> KeyPair {
    let seed = Hash::of(Domain::DEVELOPMENT_KEY, &[purpose, &position.to_le_bytes()]);
    KeyPair::ed25519(&Zeroizing::new(seed.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use light_client::crypto::PublicKey;

    #[test]
    fn the_development_chain_is_a_chain() {
        let spec = development_spec(Time(1));
        assert_eq!(spec.check(), Ok(()));
        let bytes = light_client::data_format::codec::encode(&spec);
        assert_eq!(light_client::data_format::decode(&bytes, bytes.len()), Ok(spec.clone()));
        assert_eq!(funded_accounts().len(), SLOTS as usize);
        assert_eq!(spec.accounts.len(), SLOTS as usize + 1);
        assert_ne!(spec.id(), development_spec(Time(2)).id(), "the start makes the chain");
    }

    #[test]
    fn test_networks_of_every_size_are_chains() {
        for size in [1, 2, 4, 7, 15, 64] {
            let public = |number| match derived(b"minting", number).public() {
                PublicKey::Ed25519(bytes) | PublicKey::Curve25519(bytes) => Hash(bytes),
            };
            let keys: Vec<_> = (0..size).map(public).collect();
            let spec = testnet_spec(Time(1), 500, &keys);
            assert_eq!(spec.check(), Ok(()), "{size}");
            assert_eq!(spec.accounts.len(), size as usize + TESTNET_SPARE);
        }
    }
}
