import Foundation
import XCTest

import VsysHot

/// A hot phone in flight mode.
final class HotPhone: Storage, Clock, Transport, @unchecked Sendable {
    private let lock = NSLock()
    private var files: [String: Data] = [:]

    func wallet() throws -> HotWallet {
        try HotWallet(
            chainFile: try Fixtures.chainFile(), servers: ["http://127.0.0.1:1"], transport: self, storage: self,
            clock: self)
    }

    func read(name: String) throws -> Data? {
        lock.withLock { files[name] }
    }

    func write(name: String, value: Data) throws {
        lock.withLock { files[name] = value }
    }

    func nowMs() throws -> UInt64 {
        UInt64(Date().timeIntervalSince1970 * 1000)
    }

    func sleepMs(duration: UInt64) async throws {
        try await Task.sleep(nanoseconds: duration * 1_000_000)
    }

    func send(request: HttpRequest) async throws -> HttpResponse {
        throw TransportError.Unreachable(reason: "flight mode")
    }
}

final class HotWalletTests: XCTestCase {
    func testAVerifiedReplyIsStoredAndWaitsForAServer() async throws {
        let phone = HotPhone()
        let wallet = try phone.wallet()
        let request = try Fixtures.hex("sign-request.hex")
        let reply = try Fixtures.hex("signature-reply.hex")
        var forged = reply
        forged[forged.count - 1] ^= 1
        XCTAssertThrowsError(try wallet.submit(request: request, reply: forged)) { error in
            XCTAssertEqual((error as? HotError)?.code(), "bad_signature")
        }
        let payment = try wallet.submit(request: request, reply: reply)
        XCTAssertFalse(payment.settled)
        while true {
            if case .unreachable = wallet.servers()[0].health { break }
            _ = try await wallet.nextEvent()
        }
        wallet.stop()
        let event = try await wallet.nextEvent()
        XCTAssertNil(event)
        XCTAssertEqual(try phone.wallet().payment(transactionId: payment.transactionId), payment)
    }
}
