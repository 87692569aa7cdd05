//! Settings as text: read with the line of what cannot be, and written with what each is for.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use toml::{Spanned, Table, Value, de::DeTable};

use super::{
    ApiSettings, ChainSettings, CpuSettings, MAX_CONNECTIONS, MAX_MIB, MAX_SHARE, MAX_THREADS,
    MemorySettings, NetworkSettings, SettingName, Settings, SettingsFault,
};
use crate::{network::protocol::MAX_CHAINS, storage::Retention};

pub(super) const TEMPLATE: &str = include_str!("settings.toml");

/// What is outside of the settings of the first chain.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Process {
    api: ApiSettings,
    network: NetworkSettings,
    memory: MemorySettings,
    cpu: CpuSettings,
    chains: Vec<ChainSettings>,
}

/// Reads settings; the line, from 1, and what is wrong there.
pub(super) fn parse(text: &str) -> Result<Settings, (usize, SettingsFault)> {
    let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let syntax = |error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        (line(at), SettingsFault::Syntax(error.message().to_owned()))
    };
    let document = DeTable::parse(text).map_err(syntax)?;
    let written = document.get_ref();
    let known = known().map_err(|error| (1, SettingsFault::Syntax(error.to_string())))?;
    if let Some((at, fault)) = unknown(written, &known, "") {
        return Err((line(at), fault));
    }
    // Each takes its own and leaves the other's: that every key is one of either was seen above.
    let first: ChainSettings = toml::from_str(text).map_err(syntax)?;
    let Process { api, network, memory, cpu, chains } = toml::from_str(text).map_err(syntax)?;
    let settings = Settings { first, more: chains, api, network, memory, cpu };
    check(&settings).map_err(|(name, fault)| (line(place(written, &name)), fault))?;
    Ok(settings)
}

/// Every setting with its default, a `[[chains]]` table included.
fn known() -> Result<Table, toml::ser::Error> {
    let mut known = table(&Settings::default())?;
    let further = Table::try_from(ChainSettings::default())?;
    known.insert("chains".to_owned(), Value::Array(vec![Value::Table(further)]));
    Ok(known)
}

/// The settings as the file has them, without further chains.
pub(super) fn table(settings: &Settings) -> Result<Table, toml::ser::Error> {
    let Settings { first, api, network, memory, cpu, .. } = settings.clone();
    let mut table = Table::try_from(Process { api, network, memory, cpu, chains: Vec::new() })?;
    table.remove("chains");
    table.extend(Table::try_from(first)?);
    Ok(table)
}

fn check(settings: &Settings) -> Result<(), (SettingName, SettingsFault)> {
    let range = |name: SettingName, found: u64, within: RangeInclusive<u64>, zero: bool| {
        if within.contains(&found) || zero && found == 0 {
            return Ok(());
        }
        let (least, most) = within.into_inner();
        Err((name, SettingsFault::Range { name, least, most, zero, found }))
    };
    let of_process = |key, found, within| range(SettingName { table: None, key }, found, within, false);
    for (table, chain) in settings.numbered() {
        let of_chain = |key, found, within, zero| range(SettingName { table, key }, found, within, zero);
        let most = u64::MAX / 2;
        of_chain("share", chain.share, 1..=MAX_SHARE, false)?;
        of_chain("disk.keep_states", chain.disk.keep_states, Retention::MINIMUM_HEIGHTS..=most, false)?;
        of_chain("disk.keep_blocks", chain.disk.keep_blocks, Retention::MINIMUM_HEIGHTS..=most, true)?;
        of_chain("disk.minimum_free_mib", chain.disk.minimum_free_mib, 1..=MAX_MIB, true)?;
    }
    let found = settings.chains().count();
    if found > MAX_CHAINS as usize {
        let name = SettingName { table: Some(found - 1), key: "data" };
        return Err((name, SettingsFault::TooManyChains { found }));
    }
    let NetworkSettings { inbound, outbound, per_address, .. } = settings.network;
    for (key, found) in
        [("network.inbound", inbound), ("network.outbound", outbound), ("network.per_address", per_address)]
    {
        of_process(key, found as u64, 1..=MAX_CONNECTIONS as u64)?;
    }
    let MemorySettings { page_cache_mib, state_cache_mib, pool_mib } = settings.memory;
    // At least a MiB for every share.
    let mib = settings.shares()..=MAX_MIB;
    of_process("memory.page_cache_mib", page_cache_mib, mib.clone())?;
    of_process("memory.state_cache_mib", state_cache_mib, mib.clone())?;
    of_process("memory.pool_mib", pool_mib, mib)?;
    let threads = SettingName { table: None, key: "cpu.threads" };
    range(threads, settings.cpu.threads as u64, 1..=MAX_THREADS as u64, true)
}

/// Where a setting is written, or what it is left out of.
fn place(written: &DeTable<'_>, name: &SettingName) -> usize {
    let (mut table, mut at) = (written, 0);
    if let Some(number) = name.table {
        let chains = written.iter().find(|(key, _)| key.get_ref() == "chains");
        let chain = chains.and_then(|(_, chains)| chains.get_ref().as_array()?.get(number - 1));
        let Some((inside, span)) = chain.and_then(|chain| Some((chain.get_ref().as_table()?, chain.span())))
        else {
            return at;
        };
        (table, at) = (inside, span.start);
    }
    for part in name.key.split('.') {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == part) else { break };
        at = key.span().start;
        let Some(inside) = value.get_ref().as_table() else { break };
        table = inside;
    }
    at
}

/// The first key that is not a setting, where it is, and what may have been meant.
fn unknown(written: &DeTable<'_>, known: &Table, within: &str) -> Option<(usize, SettingsFault)> {
    let name = |key: &str| if within.is_empty() { key.to_owned() } else { format!("{within}.{key}") };
    let mut keys: Vec<_> = written.iter().collect();
    keys.sort_by_key(|(key, _)| Spanned::span(key).start);
    keys.into_iter().find_map(|(key, value)| {
        let at = key.span().start;
        let key = key.get_ref().as_ref();
        match known.get(key) {
            Some(Value::Table(known)) => unknown(value.get_ref().as_table()?, known, &name(key)),
            Some(Value::Array(known)) => {
                let known = known.first()?.as_table()?;
                let tables = value.get_ref().as_array()?.iter();
                tables.into_iter().find_map(|table| unknown(table.get_ref().as_table()?, known, &name(key)))
            }
            Some(_) => None,
            None => {
                let near = |candidate: &&String| strsim::damerau_levenshtein(candidate, key);
                let nearest = known.keys().min_by_key(near).cloned().unwrap_or_default();
                Some((at, SettingsFault::Unknown { key: name(key), nearest: name(&nearest) }))
            }
        }
    })
}

/// The template with these values, and every setting of each further chain.
pub(super) fn print(settings: &Settings) -> Result<String, toml::ser::Error> {
    let values = table(settings)?;
    let (mut section, mut text) = (&values, String::new());
    for line in TEMPLATE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = values.get(name).and_then(Value::as_table).unwrap_or(&values);
        }
        match line.split_once(" = ").and_then(|(key, _)| Some((key, section.get(key)?))) {
            Some((key, value)) => text += &format!("{key} = {value}\n"),
            None => text += &format!("{line}\n"),
        }
    }
    for chain in &settings.more {
        text += &print_chain(chain)?;
    }
    Ok(text)
}

/// A `[[chains]]` table.
pub(super) fn print_chain(chain: &ChainSettings) -> Result<String, toml::ser::Error> {
    let chains = Value::Array(vec![Value::Table(Table::try_from(chain)?)]);
    Ok(format!("\n{}", toml::to_string(&Table::from_iter([("chains".to_owned(), chains)]))?))
}
