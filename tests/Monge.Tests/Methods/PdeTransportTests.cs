using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Objectives;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods;

public sealed class PdeTransportTests : IDisposable
{
    private static readonly PdeOptions s_small = new()
    {
        Training = new() { Iterations = 300, BatchSize = 128 },
        Size = new() { Width = 16, Depth = 2 },
        Collocation = new() { Walkers = 64, WalkerSteps = 16, RefreshInterval = 50 },
        Preparation = new() { Base = BaseChoice.Isotropic, BaseScale = 1, TargetExponent = 1, BaseExponent = 1 },
        Carry = new() { Sampler = SamplerChoice.Ode, SamplerSteps = 16 },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-pde-").FullName;

    public static TheoryData<Evolution> Evolutions => [.. Enum.GetValues<Evolution>()];

    public void Dispose() => Directory.Delete(_folder, true);

    // N((0.6, -0.4), 0.7^2 I) times e^0.5, so log Z = 0.5.
    private static Density Gaussian() => Density.Create(
        "gaussian", 2, x => 0.5 - Math.Log(2 * Math.PI * 0.49) - ((x - Expr.Constant([0.6, -0.4], 2)).SquaredNorm() / 0.98));

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;

    [Theory]
    [MemberData(nameof(Evolutions))]
    public void EveryEvolutionCarriesTheBaseToAGaussian(Evolution evolution)
    {
        foreach (var seed in new ulong[] { 1, 2 })
        {
            var method = new PdeTransport(Gaussian(), s_small with { Evolution = evolution });
            var set = method.Sample(4000, new Run { Seed = seed });
            Assert.True(set.EffectiveSampleSize > 0.95, $"seed {seed}: ESS {set.EffectiveSampleSize}");
            Assert.True(Math.Abs(set.LogZ - 0.5) < (4 * set.LogZError) + 1e-3, $"seed {seed}: log Z {set.LogZ} +- {set.LogZError}");
            Assert.Equal(0.6, set.Mean()[0], 0.06);
            Assert.Equal(-0.4, set.Mean()[1], 0.06);
            Assert.Equal(0.7, set.StandardDeviation()[0], 0.05);
            Assert.True(set.Elbo <= set.LogZ);
            Assert.Equal("pde", set.Method);
            Assert.True(set.TargetCalls > 300 * 128);
        }
    }

    [Theory]
    [InlineData(Evolution.GeneralStochastic, DriftForm.GatedScore)]
    [InlineData(Evolution.GeneralStochastic, DriftForm.Network)]
    [InlineData(Evolution.GeneralStochastic, DriftForm.Potential)]
    [InlineData(Evolution.GeneralDeterministic, DriftForm.GatedScore)]
    [InlineData(Evolution.AnnealingStochastic, DriftForm.Potential)]
    public void EveryFormOfTheDriftDoes(Evolution evolution, DriftForm drift)
    {
        var method = new PdeTransport(Gaussian(), s_small with { Evolution = evolution, Drift = drift, KineticWeight = drift == DriftForm.Network ? 1e-3 : 0 });
        var set = method.Sample(4000, new Run { Seed = 3 });
        Assert.True(set.EffectiveSampleSize > 0.95, $"ESS {set.EffectiveSampleSize}");
        Assert.True(Math.Abs(set.LogZ - 0.5) < (4 * set.LogZError) + 1e-3, $"log Z {set.LogZ} +- {set.LogZError}");
    }

    [Theory]
    [MemberData(nameof(Evolutions))]
    public void SdeWeightsAreRightHoweverLittleWasTrained(Evolution evolution)
    {
        var method = new PdeTransport(Gaussian(), s_small with
        {
            Evolution = evolution,
            Training = s_small.Training with { Iterations = 20 },
            Carry = s_small.Carry with { Sampler = SamplerChoice.Sde, SamplerSteps = 32 },
        });
        var set = method.Sample(8000, new Run { Seed = 2 });
        Assert.InRange(set.LogZError, 0, 0.05);
        Assert.True(Math.Abs(set.LogZ - 0.5) < 4 * set.LogZError, $"log Z {set.LogZ} +- {set.LogZError}");
    }

    [Theory]
    [InlineData(Evolution.GeneralStochastic)]
    [InlineData(Evolution.OptimalTransport)]
    [InlineData(Evolution.SchroedingerBridge)]
    public void TheLearnedNormaliserIsTheTargets(Evolution evolution)
    {
        var method = new PdeTransport(Gaussian(), s_small with { Evolution = evolution, Training = s_small.Training with { Iterations = 800 } });
        var run = new Run();
        var problem = ((ITransportMethod)method).Prepare<float>(new PreparationRun(run));
        var networks = new PdeNetworks(problem, method.ResolvedOptions);
        using var training = networks.Training<float>(run);
        training.Init();
        for (var i = 0; i < 800; i++)
        {
            training.Step(i, 800);
        }

        Assert.Equal(0.5, problem.Offset + training.Average[networks.LogDensity.LogNormaliserOffset!.Value], 0.02);
    }

    // Between N(0, I) and N(m, s^2 I) the optimal map is x -> m + s x, so the velocity is m + (s - 1) (x - t m) / (1 + t (s - 1)).
    [Fact]
    public void OptimalTransportFindsTheOptimalVelocity()
    {
        var method = new PdeTransport(
            Gaussian(), s_small with { Evolution = Evolution.OptimalTransport, Training = s_small.Training with { Iterations = 1200 } });
        var run = new Run();
        var problem = ((ITransportMethod)method).Prepare<float>(new PreparationRun(run));
        Assert.All(problem.Base.StandardDeviation, s => Assert.Equal(1, s, 12));
        var networks = new PdeNetworks(problem, method.ResolvedOptions);
        using var training = networks.Training<float>(run);
        training.Init();
        for (var i = 0; i < 1200; i++)
        {
            training.Step(i, 1200);
        }

        var (start, t) = (Expr.Random(RandomLaw.Normal, 99, 2), Expr.Random(RandomLaw.Uniform, 98));
        var mean = Expr.Constant([0.6, -0.4], 2);
        var position = (t * mean) + ((1 - (0.3 * t)) * start);
        var exact = mean - (0.3 * start);
        var error = networks.Transport.Velocity.Apply(position, t) - exact;
        using var judge = new CompiledProgram<float>(new TracedProgram(
            networks.Parameters, ("error", error.SquaredNorm().BatchSum()), ("norm", exact.SquaredNorm().BatchSum())));
        judge.Parameters = training.Average;
        judge.Run(4000, new DrawKey(5));
        var relative = Math.Sqrt(judge["error"][0] / judge["norm"][0]);
        Assert.True(relative < 5e-2, $"relative L2 error {relative}");
    }

    [Fact]
    public void ResumedTrainingEqualsUninterruptedTrainingToTheBitForAnyThreads()
    {
        var options = s_small with
        {
            Evolution = Evolution.SchroedingerBridge,
            Training = s_small.Training with { Iterations = 60 },
            Collocation = s_small.Collocation with { RefreshInterval = 10 },
        };
        var (whole, parts) = (Folder("whole"), Folder("parts"));
        var uninterrupted = new PdeTransport(Gaussian(), options).Sample(100, new Run { Seed = 4, Folder = whole });
        using var source = new CancellationTokenSource();
        var cancel = new Watch(p =>
        {
            if (p.Phase == "train")
            {
                source.Cancel();
            }
        });
        Assert.Throws<OperationCanceledException>(
            () => new PdeTransport(Gaussian(), options).Sample(100, new Run { Seed = 4, Folder = parts, Progress = cancel, Cancellation = source.Token }));
        var resumed = new PdeTransport(Gaussian(), options).Sample(100, new Run { Seed = 4, Folder = parts, Resume = true });
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "model.safetensors")), File.ReadAllBytes(Path.Combine(parts, "model.safetensors")));
        Assert.Equal(uninterrupted.Positions, resumed.Positions);
        Assert.Equal(uninterrupted.LogWeights, resumed.LogWeights);
        Assert.Contains("learned log z", resumed.Preparation, StringComparison.Ordinal);
        var other = Assert.Throws<CheckpointException>(() =>
            new PdeTransport(Gaussian(), options with { Evolution = Evolution.OptimalTransport }).Sample(
                100, new Run { Seed = 4, Folder = parts, Resume = true }));
        Assert.Contains("other options", other.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Evolutions))]
    public void StateIsAllThereIsToCheckpoint(Evolution evolution)
    {
        var method = new PdeTransport(Gaussian(), s_small with
        {
            Evolution = evolution,
            Size = s_small.Size with { Width = 8 },
            Training = s_small.Training with { BatchSize = 32 },
            Collocation = s_small.Collocation with { Walkers = 16, RefreshInterval = 8 },
        });
        var run = new Run { Seed = 7 };
        var problem = ((ITransportMethod)method).Prepare<float>(new PreparationRun(run));
        TrainingStates.AreAllThereIsToCheckpoint(() => new PdeNetworks(problem, method.ResolvedOptions).Training<float>(run), 13, 30);
    }

    [Fact]
    public void OptionsAreCheckedAndUnknownNamesRefused()
    {
        static string Refusal(string json) => Assert.Throws<ArgumentException>(() => MethodOptions.Parse<PdeOptions>(json)).Message;
        Assert.Contains("evolutoin", Refusal("""{ "evolutoin": "timeReversal" }"""), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MethodOptions.Parse<PdeOptions>("""{ "evolution": "sideways" }"""));
        Assert.Contains("at most 100", Refusal("""{ "totalNoise": 101 }"""), StringComparison.Ordinal);
        Assert.Contains("'potentialWeight'", Refusal("""{ "potentialWeight": 0 }"""), StringComparison.Ordinal);
        Assert.Contains("'drift'", Refusal("""{ "evolution": "optimalTransport", "drift": "network" }"""), StringComparison.Ordinal);
        Assert.Contains("generalStochastic", Refusal("""{ "evolution": "generalDeterministic", "drift": "halfScore" }"""), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MethodOptions.Parse<PdeOptions>("""{ "iterations": 10, "budget": "00:01:00" }"""));
        var options = s_small with { Evolution = Evolution.TimeReversal, TotalNoise = 2, Carry = s_small.Carry with { Diffusion = 0.25 } };
        Assert.Equal(options, MethodOptions.Parse<PdeOptions>(MethodOptions.Format(options)));
        Assert.Equal(new PdeTransport(Gaussian(), options).ResolvedOptions,
            MethodOptions.Parse<PdeOptions>(MethodOptions.Format(new PdeTransport(Gaussian(), options).Options)));
    }

    private sealed class Watch(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
