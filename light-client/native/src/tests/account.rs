use light_client::{
    client::{Client, PaymentState, TransportError},
    data_format::{Amount, GenesisAccount, UNITS_PER_COIN},
    test_support::{
        chain::{ScriptedChain, test_address},
        server::ScriptedServer,
    },
};

use crate::next_account;

#[test]
fn the_payment_after_one_that_is_final_but_not_in_the_account_yet_has_the_next_nonce() {
    let [payer, payee] = [1, 2].map(test_address);
    let account = GenesisAccount { address: payer, balance: Amount(1_000 * UNITS_PER_COIN) };
    let mut server = ScriptedServer::new(ScriptedChain::new(4, vec![account]));
    (0..3).for_each(|_| server.advance());
    let chain = &server.chain;
    let mut client = Client::new(chain.spec().clone(), chain.genesis(), ["http://server".to_owned()]);
    let signed = chain.transfer(1, payee, Amount(3 * UNITS_PER_COIN));
    let run = |client: &mut Client, server: &mut ScriptedServer, account_is_silent: bool| {
        let now = server.chain.now();
        client.tick(now);
        while let Some(request) = client.next_request() {
            let silent = account_is_silent && request.url.contains("/v1/accounts/");
            let answer = if silent { Err(TransportError::Timeout) } else { Ok(server.answer(&request)) };
            client.respond(request.id, answer, now);
        }
    };
    client.watch(payer, server.chain.now());
    run(&mut client, &mut server, false);
    let nonce = |client: &Client| next_account(client, &payer).unwrap().0.unwrap().nonce;
    assert_eq!(nonce(&client), 0);

    let id = client.submit(signed, server.chain.now());
    run(&mut client, &mut server, true);
    (0..3).for_each(|_| server.advance());
    run(&mut client, &mut server, true);
    assert!(matches!(client.payment(&id).unwrap().state, PaymentState::Final { .. }));
    assert_eq!(client.account(&payer).unwrap().proven().unwrap().record.unwrap().nonce, 0);
    assert_eq!(nonce(&client), 1);
    server.advance();
    run(&mut client, &mut server, false);
    assert_eq!(client.account(&payer).unwrap().proven().unwrap().record.unwrap().nonce, 1);
    assert_eq!(nonce(&client), 1);
}
