"""The same surface as Kotlin's and Swift's, from Python: what an app would call, once."""

import asyncio
import os
import pathlib
import time
import unittest

import mobile_cold as cold
import mobile_hot as hot

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures"
CHAIN_FILE = (FIXTURES / "chain.json").read_bytes()
SIGN_REQUEST = bytes.fromhex((FIXTURES / "sign-request.hex").read_text())
SIGNATURE_REPLY = bytes.fromhex((FIXTURES / "signature-reply.hex").read_text())
PHRASE = b"abandon " * 11 + b"about"


class Vault(cold.KeyVault):
    """Hides nothing, but knows its keys by name."""

    def __init__(self):
        self.keys = {}

    def wrap(self, alias, secret):
        key = self.keys.setdefault(alias, os.urandom(len(secret)))
        return bytes(a ^ b for a, b in zip(secret, key))

    def unwrap(self, alias, wrapped):
        if alias not in self.keys:
            raise cold.PlatformError.Lost("no such key")
        return self.wrap(alias, wrapped)

    def delete(self, alias):
        self.keys.pop(alias, None)


class Files:
    def __init__(self):
        self.values = {}

    def read(self, name):
        return self.values.get(name)

    def write(self, name, value):
        self.values[name] = value


class ColdFiles(Files, cold.Storage):
    def remove(self, name):
        self.values.pop(name, None)


class HotFiles(Files, hot.Storage):
    pass


class ColdClock(cold.Clock):
    def now_ms(self):
        return int(time.time() * 1000)


class Random(cold.RandomSource):
    def bytes(self, count):
        return os.urandom(count)


class HotClock(hot.Clock):
    def now_ms(self):
        return int(time.time() * 1000)

    async def sleep_ms(self, duration):
        await asyncio.sleep(duration / 1000)


class NoNetwork(hot.Transport):
    async def send(self, request):
        raise hot.TransportError.Unreachable("flight mode")


def cold_wallet(vault, files):
    return cold.ColdWallet(CHAIN_FILE, vault, files, ColdClock(), Random())


class Cold(unittest.TestCase):
    def test_words_make_the_seed_rows_are_shown_and_the_signature_is_the_known_one(self):
        vault, files = Vault(), ColdFiles()
        wallet = cold_wallet(vault, files)
        seed = wallet.restore_bip39(PHRASE)
        self.assertEqual(wallet.reveal_word(seed.fingerprint, 12), b"about")
        rows = {row.label: row for row in wallet.review(SIGN_REQUEST).rows}
        self.assertEqual(rows[cold.RowLabel.AMOUNT].value_text, "12.5 VSYS")
        self.assertEqual(rows[cold.RowLabel.AMOUNT].value.units, 1_250_000_000)
        self.assertEqual(wallet.sign(SIGN_REQUEST), SIGNATURE_REPLY)
        with self.assertRaises(cold.ColdError.AlreadySigned) as caught:
            cold_wallet(vault, files).sign(SIGN_REQUEST)
        self.assertEqual(caught.exception.code(), "already_signed")

    def test_a_lost_vault_key_is_told(self):
        vault = Vault()
        wallet = cold_wallet(vault, ColdFiles())
        wallet.restore_bip39(PHRASE)
        vault.keys.clear()
        with self.assertRaises(cold.ColdError.Platform) as caught:
            wallet.sign(SIGN_REQUEST)
        self.assertEqual(caught.exception.code(), "vault_lost")


class Hot(unittest.TestCase):
    def test_a_verified_reply_is_stored_and_waits_for_a_server(self):
        asyncio.run(self.submit_without_a_network())

    async def submit_without_a_network(self):
        files = HotFiles()

        def wallet():
            return hot.HotWallet(CHAIN_FILE, ["http://127.0.0.1:1"], NoNetwork(), files, HotClock())

        phone = wallet()
        forged = SIGNATURE_REPLY[:-1] + bytes([SIGNATURE_REPLY[-1] ^ 1])
        with self.assertRaises(hot.HotError.BadSignature) as caught:
            phone.submit(SIGN_REQUEST, forged)
        self.assertEqual(caught.exception.code(), "bad_signature")
        payment = phone.submit(SIGN_REQUEST, SIGNATURE_REPLY)
        self.assertFalse(payment.settled)
        while not phone.servers()[0].health.is_UNREACHABLE():
            await phone.next_event()
        phone.stop()
        self.assertIsNone(await phone.next_event())
        self.assertEqual(wallet().payment(payment.transaction_id), payment)


if __name__ == "__main__":
    unittest.main()
