//! A chain's spec proves itself.

use light_client::client::ChainParameters;

use super::*;

#[test]
fn the_parameters_are_those_of_the_chain_or_refused() {
    let chain = chain(4);
    let asked = chain.spec().id();
    assert_eq!(chain.parameters().check(&asked).as_ref(), Ok(chain.spec()));
    let other = super::chain(7);
    let error = ProofFailure::AnotherChain { asked, found: other.spec().id() };
    assert_eq!(other.parameters().check(&asked), Err(error));
    never_says_anything_else(&chain.parameters(), |parameters| parameters.clone().check(&asked));
    // The id of a spec that no chain can have says nothing.
    let ChainParameters(mut spec) = chain.parameters();
    spec.name.clear();
    let asked = spec.id();
    assert!(matches!(ChainParameters(spec).check(&asked), Err(ProofFailure::Spec(_))));
}
