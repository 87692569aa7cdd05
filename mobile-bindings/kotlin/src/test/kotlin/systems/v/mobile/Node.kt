package systems.v.mobile

import java.net.InetAddress
import java.net.ServerSocket
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit

/** A development chain in memory, in a process of its own, on a free port of this machine. */
class Node : AutoCloseable {
    private val port = ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { it.localPort }
    private val http = HttpClient.newHttpClient()
    private val log: Path = Files.createTempFile("vsys-node", ".log")
    private val process: Process =
        ProcessBuilder(System.getProperty("vsys.node"), "dev", "--ephemeral", "--api", "127.0.0.1:$port")
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()

    val url = "http://127.0.0.1:$port"

    init {
        val deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30)
        while (!answers()) {
            val words = { Files.readString(log) }
            check(process.isAlive) { "the node ended with ${process.exitValue()}: ${words()}" }
            check(System.nanoTime() < deadline) { "the node does not answer: ${words()}" }
            Thread.sleep(50)
        }
    }

    /** A development chain has no app that it is installed with: the file comes from the node, for once. */
    fun chainFile(): ByteArray {
        val answer = http.send(HttpRequest.newBuilder(URI("$url/chain.json")).build(), BodyHandlers.ofByteArray())
        check(answer.statusCode() == 200) { "chain.json: status ${answer.statusCode()}" }
        return answer.body()
    }

    /** Test coins for an address. */
    fun fund(address: String) {
        val request = HttpRequest.newBuilder(URI("$url/v1/faucet"))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("""{"address": "$address"}"""))
            .build()
        val answer = http.send(request, BodyHandlers.ofString())
        check(answer.statusCode() in 200..299) { "faucet: ${answer.statusCode()} ${answer.body()}" }
    }

    override fun close() {
        process.destroy()
        if (!process.waitFor(10, TimeUnit.SECONDS)) process.destroyForcibly().waitFor()
        Files.delete(log)
    }

    private fun answers(): Boolean =
        try {
            http.send(HttpRequest.newBuilder(URI("$url/health")).build(), BodyHandlers.discarding()).statusCode() == 200
        } catch (_: java.io.IOException) {
            false
        }
}
