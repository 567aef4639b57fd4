using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods;

public class MethodRegistryTests
{
    public static TheoryData<string> Names => [.. MethodRegistry.All.Select(m => m.Name)];

    // The smoke suite that every sampling method passes: a Gaussian, two modes, a funnel; with its exact log Z.
    private static (Density Target, double LogZ)[] Smoke() =>
    [
        (Density.Create("gaussian-2", 2, x => 1.5 - (0.5 * (x[0] - 1).Square()) - (2 * (x[1] + x[0]).Square()) - Math.Log(Math.PI)), 1.5),
        (Density.Create("two-modes", 1, x => Expr.Vector(-2 * (x[0] - 2).Square(), -2 * (x[0] + 2).Square()).LogSumExp() - (0.5 * Math.Log(2 * Math.PI)), new DensityOptions
        {
            Base = new BaseSuggestion([0.0], [2.5], "covers both"),
        }), 0),
        (Density.Create("funnel-2", 2, x => (-0.5 * x[0].Square()) - (0.5 * x[1].Square() * (-x[0]).Exp()) - (0.5 * x[0]) - Math.Log(2 * Math.PI)), 0),
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryMethodPassesTheSmokeSuite(string name)
    {
        var entry = MethodRegistry.Find(name)!;
        foreach (var (target, logZ) in Smoke())
        {
            // A method whose defaults take minutes has a small preset.
            var set = entry.Create(target, new MethodSettings { Iterations = 300, Options = entry.Presets.GetValueOrDefault("small") }).Run(new SamplingRequest(4000, 1), default);
            Assert.True(set.EffectiveSampleSize > 0.5, $"{target.Name}: ESS {set.EffectiveSampleSize}, {set.Sampler}, {set.Preparation}");
            Assert.True(Math.Abs(set.LogZ - logZ) < (4 * set.LogZError) + 1e-3, $"{target.Name}: log Z {set.LogZ} +- {set.LogZError}, exact {logZ}");
            Assert.Equal(4000, set.Count);
            Assert.Equal(name, set.Method);
            Assert.Contains("log Z", set.Summary(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void PresetsAreValidOptions(string name)
    {
        var entry = MethodRegistry.Find(name)!;
        foreach (var preset in entry.Presets.Values)
        {
            Assert.NotEmpty(entry.Create(TargetLibrary.Get("gmm9"), new MethodSettings { Options = preset }).Options);
        }
    }

    [Fact]
    public void NearestForgivesSpelling() => Assert.Equal("pinn", MethodRegistry.Nearest("Pin").Name);

    [Fact]
    public void SettingsOverrideOptions()
    {
        var method = MethodRegistry.Find("pinn")!.Create(Smoke()[0].Target, new MethodSettings { Options = """{ "iterations": 7 }""", Budget = TimeSpan.FromSeconds(9) });
        var options = PinnOptions.Parse(method.Options);
        Assert.Null(options.Iterations);
        Assert.Equal(TimeSpan.FromSeconds(9), options.Budget);
    }
}
