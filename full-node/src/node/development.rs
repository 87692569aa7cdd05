use light_client::{
    crypto::KeyPair,
    data_format::{Address, Amount, ChainSpec},
};

use super::Node;
use crate::config::{development_seed, development_spec};

/// A funded account of a development chain. Its key is public: everybody who reads the code has it.
#[derive(Debug)]
pub struct DevelopmentAccount {
    /// Its number under [`DEVELOPMENT_PHRASE`](crate::config::DEVELOPMENT_PHRASE).
    pub index: u32,
    /// Its address.
    pub address: Address,
    /// What it started with.
    pub balance: Amount,
    /// Its key.
    pub key: KeyPair,
}

impl Node {
    /// The funded accounts of a development chain that are under its phrase; empty on any other chain.
    pub fn development_accounts(&self) -> Vec<DevelopmentAccount> {
        let Some(seed) = development_seed().filter(|_| self.0.development) else {
            return Vec::new();
        };
        let account = |index| {
            let key = seed.key(index).ok()?;
            let address = Address::of(&key.public(), self.0.spec.network);
            let endowed = self.0.spec.accounts.iter().find(|account| account.address == address)?;
            Some(DevelopmentAccount { index, address, balance: endowed.balance, key })
        };
        (0..).map_while(account).collect()
    }
}

/// Whether a spec is that of a development chain, whenever it starts.
pub(super) fn is_development(spec: &ChainSpec) -> bool {
    *spec == development_spec(spec.genesis_time)
}
