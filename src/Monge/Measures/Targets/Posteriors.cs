namespace Monge.Measures.Targets;

/// <summary>What the posteriors share: normalised log densities and the references of posteriordb.</summary>
internal static class Posteriors
{
    public static readonly double HalfLogTwoPi = 0.5 * Math.Log(2 * Math.PI);

    /// <summary>The constant of a half-Cauchy density of a scale: log density = constant - log(1 + (x / scale)^2).</summary>
    public static double HalfCauchyConstant(double scale) => Math.Log(2 / (Math.PI * scale));

    /// <summary>Log evidence and moments of a posterior of posteriordb, the moments in the order of the names.</summary>
    public static TargetFacts PosteriorDbFacts(string posterior, IReadOnlyList<string> names)
    {
        var rows = ShippedData.Table("posteriordb/moments.csv").Where(r => r["posterior"] == posterior).ToDictionary(r => r["parameter"]);
        var evidence = ShippedData.Table("posteriordb/log_evidence.csv").Single(r => r["posterior"] == posterior);
        double[] Column(string column) => [.. names.Select(n => ShippedData.Parse(rows[n][column]))];
        return new TargetFacts
        {
            LogZ = ShippedData.Parse(evidence["log_evidence"]),
            LogZSource = "log evidence: " + evidence["method"],
            Moments = new ReferenceMoments(Column("mean"), Column("sd"), "posteriordb: 10000 reference draws") { MeanError = Column("mcse_mean") },
        };
    }
}
