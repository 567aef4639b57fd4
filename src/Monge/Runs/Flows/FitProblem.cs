using Monge.Measures;

namespace Monge.Runs;

/// <summary>Data to learn from.</summary>
/// <param name="Data">The rows and the base.</param>
public sealed record FitProblem(FlowData Data)
{
    /// <summary>What names the problem in a <see cref="RunIdentity"/>: fingerprints of the tables, and the kind of base without one.</summary>
    public IReadOnlyList<(string Name, string Value)> Identity()
    {
        var start = Data.HasGaussianBase ? "gaussian"
            : Data.BaseMixture is { } mixture ? $"mixture {MethodOptions.Format(mixture)} {Data.BroadShare}" : "sampler";
        var types = Data.Types is { } known ? $" {MethodOptions.Format(known.All)}" : "";
        return [("data", $"{Data.Table?.Fingerprint() ?? "sampler"}/{Data.Base?.Fingerprint() ?? start}{types}")];
    }
}
