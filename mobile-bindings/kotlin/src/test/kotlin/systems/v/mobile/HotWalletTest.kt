package systems.v.mobile

import java.net.InetAddress
import java.net.ServerSocket
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import systems.v.mobile.cold.ProofState
import systems.v.mobile.cold.RowLabel
import systems.v.mobile.cold.RowTrust
import systems.v.mobile.cold.WordCount
import systems.v.mobile.hot.ChangeKind
import systems.v.mobile.hot.HotEvent
import systems.v.mobile.hot.HotException
import systems.v.mobile.hot.HotWallet
import systems.v.mobile.hot.PaymentOrder
import systems.v.mobile.hot.PaymentState
import systems.v.mobile.hot.ServerHealth
import systems.v.mobile.hot.SyncState

@Timeout(120, unit = TimeUnit.SECONDS)
class HotWalletTest {
    @Test
    fun `a cold phone signs offline and the payment becomes final`() = runBlocking {
        Node().use { node ->
            val chainFile = node.chainFile()
            val coldPhone = ColdPhone()
            val cold = coldPhone.open(chainFile)
            val seed = cold.createSeed(WordCount.TWELVE)
            val payer = seed.accounts.single()
            val payee = cold.addAccount(seed.fingerprint, 1u).accounts.last()

            val phone = HotPhone(chainFile, node.url)
            val hot = phone.open()
            hot.watch(payer.address)
            assertNull(hot.account(payer.address)!!.balance)
            node.fund(payer.address)
            hot.until { (hot.account(payer.address)?.balance?.units ?: 0u) > 0u }
            val before = hot.account(payer.address)!!.balance!!
            assertInstanceOf(SyncState.Verified::class.java, hot.sync())

            val order = PaymentOrder(
                publicKey = payer.publicKey,
                fingerprint = seed.fingerprint,
                to = payee.address,
                units = 1_250_000_000u,
                memo = "rent",
                validForBlocks = 1_000u,
                origin = "the test",
                withProof = true,
            )
            val request = hot.paymentRequest(order)

            val review = cold.review(request.request)
            assertInstanceOf(ProofState.Verified::class.java, review.proof)
            val balance = review.rows.single { it.label == RowLabel.BALANCE_BEFORE }
            assertInstanceOf(RowTrust.Proven::class.java, balance.trust)
            assertEquals(request.rows.map { it.value }, review.rows.map { it.valueText })
            assertEquals(request.transactionId, review.transactionId)
            val reply = cold.sign(request.request)

            val forged = reply.copyOf().also { it[it.size - 40] = (it[it.size - 40] + 1).toByte() }
            assertThrows<HotException.BadSignature> { hot.submit(request.request, forged) }
            val other = hot.paymentRequest(order.copy(units = 1u))
            assertThrows<HotException.OtherRequest> { hot.submit(other.request, reply) }
            phone.storage.full = true
            assertEquals("storage_failed", assertThrows<HotException.Platform> { hot.submit(request.request, reply) }.code())
            phone.storage.full = false
            assertTrue(hot.payments().isEmpty())

            val payment = hot.submit(request.request, reply)
            assertEquals(request.transactionId, payment.transactionId)
            hot.until { hot.payment(payment.transactionId).settled }
            val end = assertInstanceOf(PaymentState.Final::class.java, hot.payment(payment.transactionId).state)
            assertTrue(end.succeeded)

            val spent = 1_250_000_000u + request.feeUnits
            hot.until { hot.account(payer.address)!!.balance!!.units == before.units - spent }
            val account = hot.account(payer.address)!!
            assertTrue(account.historyComplete)
            assertEquals(account.balance!!.units.toLong(), account.history.sumOf { it.deltaUnits })
            val sent = account.history.single { it.kind == ChangeKind.SENT }
            assertEquals(payee.address, sent.counterparty)

            hot.stop()
            assertNull(hot.nextEvent())
            val reopened = phone.open()
            assertEquals(account.balance, reopened.account(payer.address)!!.balance)
            assertEquals(end, reopened.payment(payment.transactionId).state)
        }
    }

    @Test
    fun `a silent server shows as unreachable, never as zero`() = runBlocking {
        val closed = ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { it.localPort }
        val hot = HotPhone(Fixtures.chainFile, "http://127.0.0.1:$closed").open()
        val address = ColdPhone().open().restoreBip39(PHRASE.toByteArray()).accounts.single().address
        hot.watch(address)
        hot.until { hot.servers().single().health is ServerHealth.Unreachable }
        assertNull(hot.account(address)!!.balance)
    }

    @Test
    fun `stopping ends a wait, and only one may wait`() = runBlocking {
        val hot = HotPhone(Fixtures.chainFile).open()
        // Runs until it waits: nothing will ever happen to a wallet without servers.
        val waiting = async(start = CoroutineStart.UNDISPATCHED) { hot.nextEvent() }
        assertThrows<HotException.AlreadyWaiting> { runBlocking { hot.nextEvent() } }
        hot.stop()
        assertNull(waiting.await())
    }

    @Test
    fun `texts that are not addresses, and requests before a proof, are refused`() = runBlocking {
        val hot = HotPhone(Fixtures.chainFile).open()
        assertEquals("address", assertThrows<HotException.Address> { hot.watch("AR nonsense") }.code())
        val payer = ColdPhone().open().restoreBip39(PHRASE.toByteArray()).accounts.single()
        val order = PaymentOrder(payer.publicKey, null, payer.address, 1u, "", 10u, null, false)
        val error = assertThrows<HotException.NotProven> { runBlocking { hot.paymentRequest(order) } }
        assertEquals(payer.address, error.address)
        assertThrows<HotException.NotARequest> { hot.submit(byteArrayOf(1), byteArrayOf(2)) }
        Unit
    }

    /** Works on events until `done`. */
    private suspend fun HotWallet.until(done: () -> Boolean) = withTimeout(60_000) {
        while (!done()) {
            val event = nextEvent()
            check(event != null && event !is HotEvent.StateLost) { "unexpected: $event" }
        }
    }
}
