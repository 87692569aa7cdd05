package systems.v.mobile

import java.security.SecureRandom
import java.util.concurrent.ConcurrentHashMap
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import systems.v.mobile.cold.Clock
import systems.v.mobile.cold.ColdWallet
import systems.v.mobile.cold.KeyVault
import systems.v.mobile.cold.PlatformException
import systems.v.mobile.cold.RandomSource
import systems.v.mobile.cold.Storage

/** A cold phone in memory: what an app implements with Android's Keystore and files. */
class ColdPhone {
    val vault = MemoryVault()
    val storage = MemoryStorage()

    /** The wallet, as after each start of the app. */
    fun open(chainFile: ByteArray = Fixtures.chainFile) =
        ColdWallet(chainFile, vault, storage, SystemClock, SystemRandom)
}

/** AES-GCM under keys that never leave this object. */
class MemoryVault : KeyVault {
    private val keys = ConcurrentHashMap<String, SecretKey>()

    /** Whether the phone's owner refuses. */
    @Volatile var declines = false

    override fun wrap(alias: String, secret: ByteArray): ByteArray {
        val key = keys.computeIfAbsent(alias) { KeyGenerator.getInstance("AES").apply { init(256) }.generateKey() }
        val cipher = Cipher.getInstance("AES/GCM/NoPadding").apply { init(Cipher.ENCRYPT_MODE, key) }
        return (cipher.iv + cipher.doFinal(secret)).also { secret.fill(0) }
    }

    override fun unwrap(alias: String, wrapped: ByteArray): ByteArray {
        if (declines) throw PlatformException.Declined()
        val key = keys[alias] ?: throw PlatformException.Lost("no key $alias")
        val nonce = GCMParameterSpec(128, wrapped, 0, 12)
        val cipher = Cipher.getInstance("AES/GCM/NoPadding").apply { init(Cipher.DECRYPT_MODE, key, nonce) }
        return cipher.doFinal(wrapped, 12, wrapped.size - 12)
    }

    override fun delete(alias: String) {
        keys.remove(alias)
    }

    val size get() = keys.size
}

class MemoryStorage : Storage {
    val files = ConcurrentHashMap<String, ByteArray>()

    /** Whether the disk is full. */
    @Volatile var full = false

    override fun read(name: String): ByteArray? = files[name]

    override fun write(name: String, value: ByteArray) {
        if (full) throw PlatformException.Failed("no space left")
        files[name] = value
    }

    override fun remove(name: String) {
        files.remove(name)
    }
}

object SystemClock : Clock {
    override fun nowMs() = System.currentTimeMillis().toULong()
}

object SystemRandom : RandomSource {
    private val random = SecureRandom()

    override fun bytes(count: UInt) = ByteArray(count.toInt()).also(random::nextBytes)
}
