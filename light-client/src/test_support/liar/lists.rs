/// A change with its name.
pub(super) type Way<T> = (&'static str, fn(&mut T));

/// A value changed in each of these ways.
pub(super) fn each<T: Clone>(honest: &T, ways: &[Way<T>]) -> Vec<(String, T)> {
    let change = |(name, way): &Way<T>| {
        let mut value = honest.clone();
        way(&mut value);
        ((*name).to_owned(), value)
    };
    ways.iter().map(change).collect()
}

/// Places at which a long list is changed.
const PLACES: usize = 16;

/// A list with an item removed, repeated, moved; all of it gone, doubled, turned round.
pub(super) fn edits<T: Clone + PartialEq>(list: &[T]) -> Vec<(String, Vec<T>)> {
    let mut edits = vec![
        ("none".to_owned(), Vec::new()),
        ("twice over".to_owned(), [list, list].concat()),
        ("turned round".to_owned(), list.iter().rev().cloned().collect()),
        ("only the first half".to_owned(), list[..list.len() / 2].to_vec()),
        ("only the second half".to_owned(), list[list.len() / 2..].to_vec()),
    ];
    let step = (list.len() / PLACES).max(1);
    let last = list.len().checked_sub(1);
    for at in (0..list.len()).step_by(step).chain(last) {
        let mut edit = |name: &str, change: &dyn Fn(&mut Vec<T>)| {
            let mut list = list.to_vec();
            change(&mut list);
            edits.push((format!("{name} {at}"), list));
        };
        edit("without", &|list| drop(list.remove(at)));
        edit("twice", &|list| list.insert(at, list[at].clone()));
        edit("first in place of", &|list| list[at] = list[0].clone());
        if at > 0 {
            edit("swapped with the one before", &|list| list.swap(at - 1, at));
            edit("cut off before", &|list| list.truncate(at));
            edit("begun at", &|list| drop(list.drain(..at)));
            edit("moved to the front", &|list| list.rotate_left(at));
        }
    }
    edits.retain(|(_, edited)| edited != list);
    edits
}

/// A list with each item changed in its turn in each of these ways.
pub(super) fn changes<T: Clone>(list: &[T], ways: &[Way<T>]) -> Vec<(String, Vec<T>)> {
    let changed = |at: usize, (name, way): &Way<T>| {
        let mut list = list.to_vec();
        way(&mut list[at]);
        (format!("{name} of {at}"), list)
    };
    (0..list.len()).flat_map(|at| ways.iter().map(move |way| changed(at, way))).collect()
}
