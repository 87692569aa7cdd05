import Foundation
import XCTest

import VsysCold

/// What the Rust tests of `mobile-cold` wrote, and every other language reads.
enum Fixtures {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("fixtures")
    static let phrase = Data("\(String(repeating: "abandon ", count: 11))about".utf8)

    static func chainFile() throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent("chain.json"))
    }

    static func hex(_ name: String) throws -> Data {
        let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        let digits = text.trimmingCharacters(in: .whitespacesAndNewlines).utf8.map { UInt8(ascii: Unicode.Scalar($0)) }
        func value(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }
        return Data(stride(from: 0, to: digits.count, by: 2).map { value(digits[$0]) * 16 + value(digits[$0 + 1]) })
    }
}

/// A phone in memory. The vault hides nothing, but knows its keys by name.
final class Phone: KeyVault, Storage, Clock, RandomSource, @unchecked Sendable {
    private let lock = NSLock()
    private var keys: [String: UInt8] = [:]
    private var files: [String: Data] = [:]
    var declines = false

    func wallet() throws -> ColdWallet {
        try ColdWallet(
            chainFile: try Fixtures.chainFile(), vault: self, storage: self, clock: self, randomSource: self)
    }

    func wrap(alias: String, secret: Data) throws -> Data {
        lock.withLock {
            let key = keys[alias] ?? UInt8.random(in: 1...255)
            keys[alias] = key
            return Data(secret.map { $0 ^ key })
        }
    }

    func unwrap(alias: String, wrapped: Data) throws -> Data {
        if declines { throw PlatformError.Declined }
        guard let key = lock.withLock({ keys[alias] }) else { throw PlatformError.Lost(reason: "no key \(alias)") }
        return Data(wrapped.map { $0 ^ key })
    }

    func delete(alias: String) throws {
        lock.withLock { keys[alias] = nil }
    }

    func read(name: String) throws -> Data? {
        lock.withLock { files[name] }
    }

    func write(name: String, value: Data) throws {
        lock.withLock { files[name] = value }
    }

    func remove(name: String) throws {
        lock.withLock { files[name] = nil }
    }

    func nowMs() throws -> UInt64 {
        UInt64(Date().timeIntervalSince1970 * 1000)
    }

    func bytes(count: UInt32) throws -> Data {
        var system = SystemRandomNumberGenerator()
        return Data((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &system) })
    }
}

final class ColdWalletTests: XCTestCase {
    func testWordsMakeTheSeedRowsAreShownAndTheSignatureIsTheKnownOne() throws {
        let phone = Phone()
        let wallet = try phone.wallet()
        let seed = try wallet.restoreBip39(phrase: Fixtures.phrase)
        XCTAssertEqual(try wallet.revealWord(fingerprint: seed.fingerprint, position: 12), Data("about".utf8))
        let request = try Fixtures.hex("sign-request.hex")
        let amount = try wallet.review(request: request).rows.first { $0.label == .amount }
        XCTAssertEqual(amount?.value, .amount(units: 1_250_000_000))
        XCTAssertEqual(try wallet.sign(request: request), try Fixtures.hex("signature-reply.hex"))
        XCTAssertThrowsError(try phone.wallet().sign(request: request)) { error in
            XCTAssertEqual((error as? ColdError)?.code(), "already_signed")
        }
    }

    func testARefusingOwnerIsTold() throws {
        let phone = Phone()
        let wallet = try phone.wallet()
        _ = try wallet.restoreBip39(phrase: Fixtures.phrase)
        phone.declines = true
        XCTAssertThrowsError(try wallet.sign(request: Fixtures.hex("sign-request.hex"))) { error in
            XCTAssertEqual((error as? ColdError)?.code(), "declined")
        }
    }
}
