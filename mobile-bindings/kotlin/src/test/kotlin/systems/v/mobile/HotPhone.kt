package systems.v.mobile

import java.io.IOException
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpTimeoutException
import java.net.http.HttpResponse.BodyHandlers
import java.time.Duration
import java.util.concurrent.ConcurrentHashMap
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.future.await
import kotlinx.coroutines.runInterruptible
import kotlinx.coroutines.withTimeoutOrNull
import systems.v.mobile.hot.Clock
import systems.v.mobile.hot.HotWallet
import systems.v.mobile.hot.HttpMethod
import systems.v.mobile.hot.HttpRequest
import systems.v.mobile.hot.HttpResponse
import systems.v.mobile.hot.PlatformException
import systems.v.mobile.hot.Storage
import systems.v.mobile.hot.Transport
import systems.v.mobile.hot.TransportException

/** A hot phone: what an app implements with Android's HTTP and files. */
class HotPhone(private val chainFile: ByteArray, private vararg val servers: String) {
    val storage = HotStorage()

    /** The wallet, as after each start of the app. */
    fun open() = HotWallet(chainFile, servers.toList(), JvmTransport, storage, HotClock)
}

class HotStorage : Storage {
    val files = ConcurrentHashMap<String, ByteArray>()

    /** Whether the disk is full. */
    @Volatile var full = false

    override fun read(name: String): ByteArray? = files[name]

    override fun write(name: String, value: ByteArray) {
        if (full) throw PlatformException.Failed("no space left")
        files[name] = value
    }
}

object HotClock : Clock {
    override fun nowMs() = System.currentTimeMillis().toULong()

    override suspend fun sleepMs(duration: ULong) = delay(duration.toLong())
}

/** The JVM's own HTTP and TLS; stops reading one byte beyond the bound. */
object JvmTransport : Transport {
    private val http: HttpClient =
        HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).connectTimeout(Duration.ofSeconds(5)).build()

    override suspend fun send(request: HttpRequest): HttpResponse {
        val builder = java.net.http.HttpRequest.newBuilder(URI(request.url))
            .timeout(Duration.ofMillis(request.timeoutMs.toLong()))
        when (request.method) {
            HttpMethod.GET -> builder.GET()
            HttpMethod.POST -> builder
                .header("content-type", "application/octet-stream")
                .POST(java.net.http.HttpRequest.BodyPublishers.ofByteArray(request.body))
        }
        val limit = request.maxResponseBytes.toInt()
        try {
            // The client's own time-out ends with the headers; this one covers the body too.
            return withTimeoutOrNull(request.timeoutMs.toLong()) {
                val answer = http.sendAsync(builder.build(), BodyHandlers.ofInputStream()).await()
                val body = runInterruptible(Dispatchers.IO) { answer.body().use { it.readNBytes(limit + 1) } }
                if (body.size > limit) throw TransportException.TooLong()
                HttpResponse(answer.statusCode().toUShort(), body)
            } ?: throw TransportException.Timeout()
        } catch (_: HttpTimeoutException) {
            throw TransportException.Timeout()
        } catch (error: IOException) {
            throw TransportException.Unreachable(error.toString())
        }
    }
}
