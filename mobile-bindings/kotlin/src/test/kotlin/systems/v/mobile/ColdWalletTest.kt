package systems.v.mobile

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import systems.v.mobile.cold.Clock
import systems.v.mobile.cold.ColdException
import systems.v.mobile.cold.KeyScheme
import systems.v.mobile.cold.PhraseNote
import systems.v.mobile.cold.PlatformPart
import systems.v.mobile.cold.ProofState
import systems.v.mobile.cold.RowLabel
import systems.v.mobile.cold.RowTrust
import systems.v.mobile.cold.RowValue
import systems.v.mobile.cold.WordCount
import systems.v.mobile.cold.wordList

class ColdWalletTest {
    private val phone = ColdPhone()

    @Test
    fun `words make the seed, rows show the payment, and the signature is the known one`() {
        phone.open().use { wallet ->
            val seed = wallet.restoreBip39(PHRASE.toByteArray())
            val sender = seed.accounts.single()

            val review = wallet.review(Fixtures.signRequest)
            assertEquals(seed.fingerprint, review.fingerprint)
            assertEquals(ProofState.Absent, review.proof)
            val rows = review.rows.associateBy { it.label }
            assertEquals(RowValue.Address(sender.address, null), rows.getValue(RowLabel.FROM).value)
            assertEquals(RowValue.Amount(1_250_000_000u), rows.getValue(RowLabel.AMOUNT).value)
            assertEquals("12.5 VSYS", rows.getValue(RowLabel.AMOUNT).valueText)
            assertEquals(RowTrust.Signed, rows.getValue(RowLabel.AMOUNT).trust)
            assertEquals(RowValue.Text("rent"), rows.getValue(RowLabel.MEMO).value)
            assertEquals(RowValue.Unknown, rows.getValue(RowLabel.BALANCE_BEFORE).value)

            assertArrayEquals(Fixtures.signatureReply, wallet.sign(Fixtures.signRequest))
        }
    }

    @Test
    fun `what was signed is not signed again, even after a restart`() {
        phone.open().use { wallet ->
            wallet.restoreBip39(PHRASE.toByteArray())
            wallet.sign(Fixtures.signRequest)
        }
        phone.open().use { wallet ->
            val error = assertThrows<ColdException.AlreadySigned> { wallet.review(Fixtures.signRequest) }
            assertEquals("already_signed", error.code())
            assertThrows<ColdException.AlreadySigned> { wallet.sign(Fixtures.signRequest) }
            val entry = wallet.log().single()
            assertEquals(error.transaction, entry.transactionId)
            assertArrayEquals(Fixtures.signatureReply, entry.reply)
        }
    }

    @Test
    fun `a new seed gives its words one at a time and comes back from them`() {
        val wallet = phone.open()
        val seed = wallet.createSeed(WordCount.TWENTY_FOUR)
        assertEquals(KeyScheme.ED25519, seed.scheme)
        assertEquals(24u, wallet.countWords(seed.fingerprint))
        val words = (1u..24u).map { wallet.revealWord(seed.fingerprint, it).decodeToString() }
        assertTrue(wordList().containsAll(words))
        assertThrows<ColdException.WordPosition> { wallet.revealWord(seed.fingerprint, 25u) }
        for (question in wallet.backupQuiz(seed.fingerprint, 3u)) {
            val answer = question.choices[question.answer.toInt()].decodeToString()
            assertEquals(words[question.position.toInt() - 1], answer)
        }
        val elsewhere = ColdPhone().open().restoreBip39(words.joinToString(" ").toByteArray())
        assertEquals(seed.fingerprint, elsewhere.fingerprint)
        assertEquals(seed.accounts.single().address, elsewhere.accounts.single().address)
        assertNotEquals(seed.fingerprint, wallet.createSeed(WordCount.TWELVE).fingerprint)
    }

    @Test
    fun `a V·Systems phrase is taken with a warning`() {
        val restored = phone.open().restoreVsystems("some old phrase".toByteArray())
        assertEquals(KeyScheme.CURVE25519, restored.seed.scheme)
        assertEquals(PhraseNote.UnusualWordCount(3u), restored.notes.first())
    }

    @Test
    fun `errors carry data and a stable code`() {
        val wallet = phone.open()
        val unknown = assertThrows<ColdException.UnknownWord> {
            wallet.restoreBip39(PHRASE.replace("about", "abuot").toByteArray())
        }
        assertEquals(12u, unknown.position)
        assertEquals("unknown_word", unknown.code())
        assertEquals("not_a_request", assertThrows<ColdException.NotARequest> { wallet.review(byteArrayOf(9)) }.code())
        assertEquals("key_not_held", assertThrows<ColdException.KeyNotHeld> { wallet.sign(Fixtures.signRequest) }.code())
        val tampered = Fixtures.signRequest.copyOf().also { it[60] = (it[60] + 1).toByte() }
        assertThrows<ColdException> { wallet.review(tampered) }
    }

    @Test
    fun `a refusing owner, a full disk and a broken clock are told apart, and nothing is signed`() {
        val wallet = phone.open()
        wallet.restoreBip39(PHRASE.toByteArray())
        phone.vault.declines = true
        assertEquals("declined", assertThrows<ColdException.Platform> { wallet.sign(Fixtures.signRequest) }.code())
        phone.vault.declines = false
        phone.storage.full = true
        val full = assertThrows<ColdException.Platform> { wallet.sign(Fixtures.signRequest) }
        assertEquals(PlatformPart.STORAGE, full.part)
        assertEquals("storage_failed", full.code())
        phone.storage.full = false
        assertEquals(0, wallet.log().size)

        val brokenClock = object : Clock {
            override fun nowMs(): ULong = throw IllegalStateException("no battery")
        }
        val other = systems.v.mobile.cold.ColdWallet(
            Fixtures.chainFile, phone.vault, phone.storage, brokenClock, SystemRandom,
        )
        val undeclared = assertThrows<ColdException.Platform> { other.sign(Fixtures.signRequest) }
        assertEquals("clock_failed", undeclared.code())
        assertTrue("no battery" in undeclared.explanation())
    }

    @Test
    fun `erasing leaves nothing in vault and storage`() {
        val wallet = phone.open()
        wallet.restoreBip39(PHRASE.toByteArray())
        wallet.sign(Fixtures.signRequest)
        wallet.erase()
        assertEquals(0, phone.vault.size)
        assertTrue(phone.storage.files.isEmpty())
        assertTrue(wallet.seeds().isEmpty())
    }
}
