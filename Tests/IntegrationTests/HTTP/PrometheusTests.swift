import Foundation
import TestSupport
import Testing

extension Processes {
    @Suite(.timeLimit(.minutes(2))) struct PrometheusTests {
        private let folder = TemporaryFolder()

        /// Reads the text as Prometheus does, and says what it found.
        private static let script = """
            import json, sys
            from prometheus_client.parser import text_string_to_metric_families
            families = list(text_string_to_metric_families(open(sys.argv[1]).read()))
            names = [(family.name, family.type) for family in families]
            assert len(names) == len(set(names)), names
            for family in families:
                assert family.documentation, family.name
                assert family.type in ("counter", "gauge", "histogram"), family
                seen = set()
                for sample in family.samples:
                    key = (sample.name, tuple(sorted(sample.labels.items())))
                    assert key not in seen, key
                    seen.add(key)
                    assert sample.labels["pair"] == "orders" and sample.labels["seat"] in ("primary", "backup"), sample
            values = {sample.name + "".join(" " + value for name, value in sorted(sample.labels.items()) if name in ("role", "le")):
                      sample.value for family in families for sample in family.samples}
            print(json.dumps({"types": {family.name: family.type for family in families if family.type != "gauge"}, "values": values}))
            """

        @Test(
            .enabled(
                if: Installed.python != nil,
                "No Python has prometheus_client: apt-get install python3-prometheus-client"))
        func prometheusReadsTheMetrics() async throws {
            let python = try #require(Installed.python)
            let pair = try await HTTPPair(in: folder)
            try await pair.request(5)
            var found: [String: Any] = [:]
            func value(_ name: String) -> Double? { (found["values"] as? [String: Any])?[name] as? Double }
            // They are told with every heartbeat.
            try await eventually("the requests") {
                let answer = try await TestSocket(address: pair.primaryAddress).get("/metrics")
                #expect(answer.status == 200)
                #expect(answer.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
                let file = folder.path + "/metrics"
                try answer.body.write(toFile: file, atomically: true, encoding: .utf8)
                try Self.script.write(toFile: folder.path + "/read.py", atomically: true, encoding: .utf8)
                let outcome = try await Tool.shell("\(python) \(folder.path)/read.py \(file)")
                #expect(outcome.exitCode == 0, "\(outcome.error)")
                found = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any] ?? [:]
                return value("bstar_requests_admitted_total") == 5
            }
            #expect(value("bstar_role active") == 1 && value("bstar_role passive") == 0)
            #expect(value("bstar_serving") == 1)
            #expect(try #require(value("bstar_term")) > 1)
            let beats = try #require(value("bstar_heartbeat_round_trip_seconds_count"))
            #expect(beats > 0 && value("bstar_heartbeat_round_trip_seconds_bucket +Inf") == beats)
            let types = found["types"] as? [String: String]
            #expect(types?["bstar_heartbeats_sent"] == "counter" && types?["bstar_role"] == nil)
            #expect(types?["bstar_heartbeat_round_trip_seconds"] == "histogram")
        }
    }
}
