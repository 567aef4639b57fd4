using System.Text.Json.Nodes;
using Monge.Diagnostics;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods;

public class MethodRegistryTests
{
    public static TheoryData<string> Names => [.. MethodRegistry.Samplers.Select(m => m.Facts.Name)];

    // The smoke suite that every sampling method passes: a Gaussian, two modes, a funnel; with its exact log Z.
    private static (Density Target, double LogZ)[] Smoke() =>
    [
        (Density.Create("gaussian-2", 2, x => 1.5 - (0.5 * (x[0] - 1).Square()) - (2 * (x[1] + x[0]).Square()) - Math.Log(Math.PI)), 1.5),
        (Density.Create(
            "two-modes", 1, x => Expr.Vector(-2 * (x[0] - 2).Square(), -2 * (x[0] + 2).Square()).LogSumExp() - (0.5 * Math.Log(2 * Math.PI)), new DensityOptions
        {
            Base = new BaseSuggestion([0.0], [2.5], "covers both"),
        }), 0),
        (Density.Create("funnel-2", 2, x => (-0.5 * x[0].Square()) - (0.5 * x[1].Square() * (-x[0]).Exp()) - (0.5 * x[0]) - Math.Log(2 * Math.PI)), 0),
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryMethodPassesTheSmokeSuite(string name)
    {
        var entry = Sampler(name);
        foreach (var (target, logZ) in Smoke())
        {
            // A method whose defaults take minutes has a small preset.
            var options = entry.Presets.GetValueOrDefault("small")?.DeepClone().AsObject() ?? [];
            if (entry.DefaultOptions.ContainsKey("iterations"))
            {
                options["iterations"] = 300;
            }

            var set = entry.Bind(new SamplingProblem(target, 4000), options).Run(new Run());

            // Chains stay in the mode in which they start unless they are tempered or find the other by chance, and one Gaussian has one mode: they must say
            // so.
            if ((set is { Chains: not null, Tempering: null } || name == "vi") && target.Name == "two-modes" && set.Status.Code != StatusCode.Success)
            {
                Assert.Contains(name == "vi" ? "miss part of the target" : "the chains disagree", set.Status.Message, StringComparison.Ordinal);
                continue;
            }

            // Draws of chains and of islands depend on each other, and those of approximations that nothing was trained for are uneven: fewer are effective.
            var least = !entry.Facts.Trains ? set is { Chains: null, Islands: null } ? 0.05 : 0.1 : 0.5;
            Assert.True(set.EffectiveSampleSize > least, $"{target.Name}: ESS {set.EffectiveSampleSize}, {set.Sampler}, {set.Preparation}");
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
        var entry = Sampler(name);
        Assert.NotEmpty(entry.Presets);
        foreach (var preset in entry.Presets.Values)
        {
            Assert.NotEmpty(preset);
            var resolved = MethodOptions.ToJson(entry.Bind(new SamplingProblem(TargetLibrary.Get("gmm9"), 2), preset).Options);
            Assert.All(preset, option => Assert.True(JsonNode.DeepEquals(option.Value, resolved[option.Key]), option.Key));
        }
    }

    [Fact]
    public void EveryOptionOfEveryMethodIsExplained()
    {
        // Other tests add methods of their own meanwhile.
        foreach (var entry in MethodRegistry.All.Where(m => m.OptionsType.Assembly == typeof(MethodRegistry).Assembly))
        {
            var help = OptionHelp.Of(entry.OptionsType);
            Assert.Equal(entry.DefaultOptions.Select(o => o.Key), help.Select(o => o.Name));
            Assert.All(help, o => Assert.True(o.Help.Length > 10, $"{entry.Facts.Name}: {o.Name}: '{o.Help}'"));
        }
    }

    [Fact]
    public void NamesAreUniqueWithinAKind() =>
        Assert.Equal(MethodRegistry.All.Count, MethodRegistry.All.Select(m => (m.Facts.Kind, m.Facts.Name)).Distinct().Count());

    [Fact]
    public void AnUnknownOptionIsRefusedByName()
    {
        var error = Assert.Throws<ArgumentException>(() => Sampler("pinn").Bind(new SamplingProblem(Smoke()[0].Target, 2), new JsonObject { ["widht"] = 3 }));
        Assert.Contains("widht", error.Message, StringComparison.Ordinal);
    }

    private static MethodEntry<SamplingProblem, SampleSet> Sampler(string name) => MethodRegistry.Samplers.Single(m => m.Facts.Name == name);
}
