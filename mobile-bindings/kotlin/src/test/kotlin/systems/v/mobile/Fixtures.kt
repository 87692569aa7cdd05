package systems.v.mobile

import java.nio.file.Files
import java.nio.file.Path

/** The phrase of BIP-39's own test vectors for 16 zero bytes; its account 0 is funded in the fixtures' chain. */
const val PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

/** What the Rust tests of `mobile-cold` wrote, and every other language reads. */
object Fixtures {
    private val folder = Path.of(System.getProperty("fixtures.dir"))

    val chainFile: ByteArray = Files.readAllBytes(folder.resolve("chain.json"))
    val signRequest = hex("sign-request.hex")
    val signatureReply = hex("signature-reply.hex")

    private fun hex(name: String): ByteArray =
        Files.readString(folder.resolve(name)).trim().chunked(2).map { it.toInt(16).toByte() }.toByteArray()
}
