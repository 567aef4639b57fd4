using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Training;

namespace Monge.Tests.Methods;

public sealed class PdeTransportTests : IDisposable
{
    private static readonly PdeOptions s_small = new()
    {
        Iterations = 300,
        Width = 16,
        Depth = 2,
        BatchSize = 128,
        Walkers = 64,
        WalkerSteps = 16,
        RefreshInterval = 50,
        Base = BaseChoice.Isotropic,
        BaseScale = 1,
        TargetExponent = 1,
        BaseExponent = 1,
        Sampler = SamplerChoice.Ode,
        SamplerSteps = 16,
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
            var set = method.Run(new SamplingRequest(4000, seed), default);
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
        var set = method.Run(new SamplingRequest(4000, 3), default);
        Assert.True(set.EffectiveSampleSize > 0.95, $"ESS {set.EffectiveSampleSize}");
        Assert.True(Math.Abs(set.LogZ - 0.5) < (4 * set.LogZError) + 1e-3, $"log Z {set.LogZ} +- {set.LogZError}");
    }

    [Theory]
    [MemberData(nameof(Evolutions))]
    public void SdeWeightsAreRightHoweverLittleWasTrained(Evolution evolution)
    {
        var method = new PdeTransport(Gaussian(), s_small with { Evolution = evolution, Iterations = 20, Sampler = SamplerChoice.Sde, SamplerSteps = 32 });
        var set = method.Run(new SamplingRequest(8000, 2), default);
        Assert.InRange(set.LogZError, 0, 0.05);
        Assert.True(Math.Abs(set.LogZ - 0.5) < 4 * set.LogZError, $"log Z {set.LogZ} +- {set.LogZError}");
    }

    [Theory]
    [InlineData(Evolution.GeneralStochastic)]
    [InlineData(Evolution.OptimalTransport)]
    [InlineData(Evolution.SchroedingerBridge)]
    public void TheLearnedNormaliserIsTheTargets(Evolution evolution)
    {
        var method = new PdeTransport(Gaussian(), s_small with { Evolution = evolution, Iterations = 800 });
        var execution = new ExecutionOptions();
        var problem = method.Prepare<float>(new PreparationRun(execution, 1));
        using var trainer = new PdeTrainer<float>(Gaussian(), problem, method.ResolvedOptions, 1, execution);
        var state = trainer.Init();
        for (var i = 0; i < 800; i++)
        {
            trainer.Step(state, i, 800);
        }

        Assert.Equal(0.5, problem.Offset + state.Adam.Average[trainer.Networks.LogDensity.LogNormaliserOffset!.Value], 0.02);
    }

    // Between N(0, I) and N(m, s^2 I) the optimal map is x -> m + s x, so the velocity is m + (s - 1) (x - t m) / (1 + t (s - 1)).
    [Fact]
    public void OptimalTransportFindsTheOptimalVelocity()
    {
        var method = new PdeTransport(Gaussian(), s_small with { Evolution = Evolution.OptimalTransport, Iterations = 1200 });
        var execution = new ExecutionOptions();
        var problem = method.Prepare<float>(new PreparationRun(execution, 1));
        Assert.All(problem.Base.StandardDeviation, s => Assert.Equal(1, s, 12));
        using var trainer = new PdeTrainer<float>(Gaussian(), problem, method.ResolvedOptions, 1, execution);
        var state = trainer.Init();
        for (var i = 0; i < 1200; i++)
        {
            trainer.Step(state, i, 1200);
        }

        var (start, t) = (Expr.Random(RandomLaw.Normal, 99, 2), Expr.Random(RandomLaw.Uniform, 98));
        var mean = Expr.Constant([0.6, -0.4], 2);
        var position = (t * mean) + ((1 - (0.3 * t)) * start);
        var exact = mean - (0.3 * start);
        var error = trainer.Transport.Velocity.Apply(position, t) - exact;
        using var run = new CompiledProgram<float>(new TracedProgram(
            trainer.Networks.Parameters, ("error", error.SquaredNorm().BatchSum()), ("norm", exact.SquaredNorm().BatchSum())));
        run.Parameters = state.Adam.Average;
        run.Run(4000, new DrawKey(5));
        var relative = Math.Sqrt(run["error"][0] / run["norm"][0]);
        Assert.True(relative < 5e-2, $"relative L2 error {relative}");
    }

    [Fact]
    public void ResumedTrainingEqualsUninterruptedTrainingToTheBitForAnyThreads()
    {
        var options = s_small with { Evolution = Evolution.SchroedingerBridge, Iterations = 60, RefreshInterval = 10 };
        var (whole, parts) = (Folder("whole"), Folder("parts"));
        var uninterrupted = new PdeTransport(Gaussian(), options).Run(new SamplingRequest(100, 4) { Folder = whole }, default);
        using var source = new CancellationTokenSource();
        var cancel = new Watch(p =>
        {
            if (p.Phase == "train")
            {
                source.Cancel();
            }
        });
        Assert.Throws<OperationCanceledException>(() => new PdeTransport(Gaussian(), options).Run(new SamplingRequest(100, 4) { Folder = parts, Progress = cancel }, source.Token));
        var resumed = new PdeTransport(Gaussian(), options with { Threads = 1 }).Run(new SamplingRequest(100, 4) { Folder = parts, Resume = true }, default);
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "model.safetensors")), File.ReadAllBytes(Path.Combine(parts, "model.safetensors")));
        Assert.Equal(uninterrupted.Positions, resumed.Positions);
        Assert.Equal(uninterrupted.LogWeights, resumed.LogWeights);
        Assert.Contains("learned log z", resumed.Preparation, StringComparison.Ordinal);
        var other = Assert.Throws<CheckpointException>(() =>
            new PdeTransport(Gaussian(), options with { Evolution = Evolution.OptimalTransport }).Run(new SamplingRequest(100, 4) { Folder = parts, Resume = true }, default));
        Assert.Contains("other options", other.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Evolutions))]
    public void StateIsAllThereIsToCheckpoint(Evolution evolution)
    {
        var target = Gaussian();
        var method = new PdeTransport(target, s_small with { Evolution = evolution, Width = 8, BatchSize = 32, Walkers = 16, RefreshInterval = 8 });
        var execution = new ExecutionOptions();
        var problem = method.Prepare<float>(new PreparationRun(execution, 7));
        var run = new TrainingRun("pde", target, method.ResolvedOptions.TrainingText(), 7);
        var path = Path.Combine(_folder, "checkpoint.safetensors");
        using var first = new PdeTrainer<float>(target, problem, method.ResolvedOptions, 7, execution);
        var state = first.Init();
        for (var i = 0; i < 30; i++)
        {
            if (i == 13)
            {
                TrainingCheckpoint.Save(path, state, problem, run, 30, TimeSpan.Zero);
            }

            first.Step(state, i, 30);
        }

        var (file, resumption) = TrainingCheckpoint.Open(path, run);
        using var second = new PdeTrainer<float>(target, resumption.Problem, method.ResolvedOptions, 7, new ExecutionOptions { Threads = 1 });
        var restored = second.NewState();
        TrainingCheckpoint.Restore(path, file, restored, resumption.Iteration);
        for (var i = 13; i < 30; i++)
        {
            second.Step(restored, i, 30);
        }

        Assert.Equal(state.Adam.Parameters.Span.ToArray(), restored.Adam.Parameters.Span.ToArray());
        Assert.Equal(state.Particles.Span.ToArray(), restored.Particles.Span.ToArray());
    }

    [Fact]
    public void OptionsAreCheckedAndUnknownNamesRefused()
    {
        static string Refusal(string json) => Assert.Throws<ArgumentException>(() => PdeOptions.Parse(json)).Message;
        Assert.Contains("evolutoin", Refusal("""{ "evolutoin": "timeReversal" }"""), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PdeOptions.Parse("""{ "evolution": "sideways" }"""));
        Assert.Contains("at most 100", Refusal("""{ "totalNoise": 101 }"""), StringComparison.Ordinal);
        Assert.Contains("'potentialWeight'", Refusal("""{ "potentialWeight": 0 }"""), StringComparison.Ordinal);
        Assert.Contains("'drift'", Refusal("""{ "evolution": "optimalTransport", "drift": "network" }"""), StringComparison.Ordinal);
        Assert.Contains("generalStochastic", Refusal("""{ "evolution": "generalDeterministic", "drift": "halfScore" }"""), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PdeOptions.Parse("""{ "iterations": 10, "budget": "00:01:00" }"""));
        var options = s_small with { Evolution = Evolution.TimeReversal, TotalNoise = 2, Diffusion = 0.25 };
        Assert.Equal(options, PdeOptions.Parse(MethodOptions.Format(options)));
        Assert.Equal(new PdeTransport(Gaussian(), options).ResolvedOptions, PdeOptions.Parse(new PdeTransport(Gaussian(), options).Options));
    }

    private sealed class Watch(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
