//! Chain specs to begin with.

use light_client::data_format::Time;

use super::{development_spec, moment::moment_to_toml, spec_file::print_spec};

/// A chain spec that `vsys-node spec` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The constants of the V.Systems network; whoever uses it fills in holders and accounts.
    VSystems,
    /// The chain of `vsys-node dev`, whose keys everybody knows.
    Development,
}

const V_SYSTEMS: &str = include_str!("v-systems.toml");
/// Where the text above has the moment at which the chain begins.
const GENESIS_TIME: &str = "GENESIS_TIME";
const WORTHLESS: &str = "# WORTHLESS TEST COINS: everybody knows the keys of these accounts and slots.\n";

impl Template {
    /// The spec as TOML, of a chain that begins at this moment.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub fn text(self, genesis_time: Time) -> Result<String, toml::ser::Error> {
        match self {
            Self::VSystems => {
                Ok(V_SYSTEMS.replacen(GENESIS_TIME, &moment_to_toml(genesis_time).to_string(), 1))
            }
            Self::Development => Ok(format!("{WORTHLESS}{}", print_spec(&development_spec(genesis_time))?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use light_client::{
        crypto::Hash,
        data_format::{Address, Amount, ChainSpec, Network, SpecError, UNITS_PER_COIN},
        test_support::chain::test_key,
    };

    use super::*;
    use crate::config::{SpecFault, SpecFileError, read_spec};

    const BEGINS: Time = Time(1_800_000_000_000);

    fn read(text: &str) -> Result<ChainSpec, SpecFileError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_spec(file.path())
    }

    /// The commented table of this name with other values, so that the comments are read too.
    fn filled(text: &str, table: &str, values: &[(&str, String)]) -> String {
        let (_, after) = text.split_once(&format!("# [[{table}]]")).unwrap();
        let mut filled = format!("[[{table}]]\n");
        for (key, value) in values {
            assert!(after.contains(&format!("\n# {key} = ")), "{key} is not shown");
            filled += &format!("{key} = {value}\n");
        }
        filled
    }

    #[test]
    fn v_systems_has_its_constants_and_wants_holders() {
        let text = Template::VSystems.text(BEGINS).unwrap();
        let incomplete = read(&text).unwrap_err();
        let wants = SpecFault::Rule(SpecError::NoHolder);
        assert!(matches!(&incomplete, SpecFileError::Spec { cause, .. } if *cause == wants), "{incomplete}");
        let (mut holders, mut accounts) = (String::new(), String::new());
        for slot in 0..15 {
            let key = test_key(slot);
            let address = format!("{:?}", Address::of(&key.public(), Network::Main).to_string());
            let minting_key = format!("{:?}", Hash(*key.public().as_bytes()).to_string());
            let holder =
                [("slot", slot.to_string()), ("address", address.clone()), ("minting_key", minting_key)];
            holders += &filled(&text, "engine.spos.holders", &holder);
            let balance = format!("{:?}", "1000000");
            accounts += &filled(&text, "accounts", &[("address", address), ("balance", balance)]);
        }
        let spec = read(&(text + &holders + &accounts)).unwrap();
        assert_eq!((spec.genesis_time, spec.trusting_period_ms), (BEGINS, 21 * 86_400_000));
        let spos = spec.engine.spos().unwrap();
        let coins = |coins: u64| Amount(coins * UNITS_PER_COIN);
        assert_eq!((spos.slots.0.len(), spos.slot_ms), (15, 4_000));
        assert_eq!((spos.block_reward, spos.contend_minimum), (coins(36), coins(1_000_000)));
        assert_eq!(spos.contend_fee, coins(50_000));
        assert_eq!((spos.average_window, spos.min_filled), (86_400, 10));
        let day_of_rounds = 86_400_000 / (15 * 4_000);
        assert_eq!((spos.idle_rounds, spos.ban_rounds), (day_of_rounds, 30 * day_of_rounds));
        let tenth = Amount(UNITS_PER_COIN / 10);
        assert_eq!((spec.fees.transfer, spec.fees.lease, spec.fees.supernode), (tenth, tenth, tenth));
        assert_eq!(spec.accounts.len(), 15);
    }

    #[test]
    fn development_is_the_chain_of_dev() {
        let text = Template::Development.text(BEGINS).unwrap();
        assert_eq!(read(&text).unwrap(), development_spec(BEGINS));
        assert!(text.starts_with("# WORTHLESS"));
    }
}
