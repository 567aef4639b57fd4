using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods;

public sealed class PinnTransportTests : IDisposable
{
    private static readonly PinnOptions s_small = new()
    {
        Training = new() { Iterations = 60, BatchSize = 64 },
        Size = new() { Width = 8, Depth = 2 },
        Collocation = new() { Walkers = 32, WalkerSteps = 16, RefreshInterval = 10 },
        Preparation = new() { Base = BaseChoice.Isotropic, BaseScale = 2, TargetExponent = 1, BaseExponent = 1 },
        Carry = new() { Sampler = SamplerChoice.Ode, SamplerSteps = 16 },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-pinn-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    // Two Gaussians at +-1.5 with deviation 0.5 and weights 0.3 and 0.7 times e^0.4, so log Z = 0.4.
    private static Density TwoModes() => Density.Create("two-modes", 2, x =>
    {
        Expr Mode(double at, double weight) => Math.Log(weight / (2 * Math.PI * 0.25)) - (2 * (x - Expr.Constant([at, 0.0], 2)).SquaredNorm());
        return 0.4 + Expr.Vector(Mode(-1.5, 0.3), Mode(1.5, 0.7)).LogSumExp();
    });

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;

    [Fact]
    public void ResumedTrainingEqualsUninterruptedTrainingToTheBit()
    {
        var (whole, parts) = (Folder("whole"), Folder("parts"));
        var uninterrupted = new PinnTransport(TwoModes(), s_small).Sample(100, new Run { Seed = 4, Folder = whole });
        using var source = new CancellationTokenSource();
        var cancel = new Watch(p =>
        {
            if (p.Phase == "train")
            {
                source.Cancel();
            }
        });
        Assert.Throws<OperationCanceledException>(
            () => new PinnTransport(TwoModes(), s_small).Sample(100, new Run { Seed = 4, Folder = parts, Progress = cancel, Cancellation = source.Token }));
        Assert.False(File.Exists(Path.Combine(parts, "model.safetensors")));
        var resumed = new PinnTransport(TwoModes(), s_small).Sample(100, new Run { Seed = 4, Threads = 1, Folder = parts, Resume = true });
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "model.safetensors")), File.ReadAllBytes(Path.Combine(parts, "model.safetensors")));
        Assert.Equal(uninterrupted.Positions, resumed.Positions);
        Assert.Equal(uninterrupted.LogWeights, resumed.LogWeights);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(25)]
    [InlineData(40)]
    public void StateIsAllThereIsToCheckpoint(int stop)
    {
        var method = new PinnTransport(TwoModes(), s_small);
        var run = new Run { Seed = 7 };
        var problem = ((ITransportMethod)method).Prepare<float>(new PreparationRun(run));
        TrainingStates.AreAllThereIsToCheckpoint(() => new PinnNetworks(problem, method.ResolvedOptions).Training<float>(run), stop, 60);
    }

    [Fact]
    public void CheckpointsOfOtherRunsAndDamagedFilesAreRefused()
    {
        var folder = Folder("run");
        new PinnTransport(TwoModes(), s_small).Sample(10, new Run { Seed = 4, Folder = folder });
        var again = new Run { Seed = 4, Folder = folder, Resume = true };
        string Refusal(PinnOptions options, Run run) =>
            Assert.Throws<CheckpointException>(() => new PinnTransport(TwoModes(), options).Sample(10, run)).Message;
        Assert.Contains("seed 4, not 5", Refusal(s_small, again with { Seed = 5 }), StringComparison.Ordinal);
        Assert.Contains("other options", Refusal(s_small with { Size = s_small.Size with { Width = 9 } }, again), StringComparison.Ordinal);
        var path = Path.Combine(folder, "checkpoint.safetensors");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^100]);
        Assert.Contains("truncated", Refusal(s_small, again), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, Precision.Float32)]
    [InlineData(2, Precision.Float32)]
    [InlineData(3, Precision.Float64)]
    public void FindsTheNormaliserTheWeightsAndTheMeansOfTwoModes(ulong seed, Precision precision)
    {
        var options = s_small with
        {
            Training = s_small.Training with { Iterations = 400, BatchSize = 256 },
            Size = s_small.Size with { Width = 32 },
            Collocation = s_small.Collocation with { Walkers = 256, WalkerSteps = 32 },
            Precision = precision,
        };
        var set = new PinnTransport(TwoModes(), options).Sample(4000, new Run { Seed = seed });
        Assert.True(set.EffectiveSampleSize > 0.8, $"ESS {set.EffectiveSampleSize}");
        Assert.True(Math.Abs(set.LogZ - 0.4) < (4 * set.LogZError) + 1e-4, $"log Z {set.LogZ} +- {set.LogZError}");
        Assert.Equal((0.7 - 0.3) * 1.5, set.Mean()[0], 0.12);
        Assert.True(set.Elbo <= set.LogZ);
        Assert.True(set.Status.IsSuccess);
        Assert.Equal(400, set.Iterations);
    }

    [Fact]
    public void SdeWeightsAreRightHoweverLittleWasTrained()
    {
        var options = s_small with
        {
            Training = s_small.Training with { Iterations = 40 },
            Carry = s_small.Carry with { Sampler = SamplerChoice.Sde, SamplerSteps = 64 },
        };
        var set = new PinnTransport(TwoModes(), options).Sample(8000, new Run { Seed = 2 });
        Assert.InRange(set.LogZError, 0, 0.05);
        Assert.True(Math.Abs(set.LogZ - 0.4) < 4 * set.LogZError, $"log Z {set.LogZ} +- {set.LogZError}");
    }

    [Fact]
    public void TrainedDriftOfAGaussianAnnealingIsTheExactOne()
    {
        const double scale = 0.6;
        double[] mean = [0.8, -0.5];
        var target = Density.Create(
            "gaussian", 2, x => (-0.5 / (scale * scale) * (x - Expr.Constant(mean, 2)).SquaredNorm()) - Math.Log(2 * Math.PI * scale * scale));
        var method = new PinnTransport(target, s_small with
        {
            Training = s_small.Training with { Iterations = 1500, BatchSize = 256 },
            Size = s_small.Size with { Width = 32 },
            Collocation = s_small.Collocation with { Walkers = 256, WalkerSteps = 32 },
            Preparation = s_small.Preparation with { BaseScale = 1 },
        });
        var run = new Run();
        var networks = new PinnNetworks(((ITransportMethod)method).Prepare<float>(new PreparationRun(run)), method.ResolvedOptions);
        using var training = networks.Training<float>(run);
        training.Init();
        for (var i = 0; i < 1500; i++)
        {
            training.Step(i, 1500);
        }

        // Relative L2 error over positions drawn from the path itself, t stratified. The base of scale 1 makes z and x the same.
        var exact = new GaussianAnnealing([0.0, 0.0], 1, mean, scale);
        var (x, t) = (Expr.Input("x", 2), Expr.Input("t"));
        var drift = exact.Drift(x, t);
        using var judge = new CompiledProgram<float>(new TracedProgram(
            networks.Parameters, ("error", (networks.Drift.Apply(x, t) - drift).SquaredNorm().BatchSum()), ("norm", drift.SquaredNorm().BatchSum())));
        const int n = 2000;
        var (positions, times) = (new NdArray<float>(n, 2), new NdArray<float>(n));
        for (var i = 0; i < n; i++)
        {
            var time = (i + 0.5) / n;
            var precision = (1 - time) + (time / (scale * scale));
            var angle = 2.399963 * i;
            var radius = Math.Sqrt(-2 * Math.Log(((i * 0.618034) % 1) + 1e-9) / precision);
            times[i] = (float)time;
            positions[2 * i] = (float)((time * mean[0] / (scale * scale) / precision) + (radius * Math.Cos(angle)));
            positions[(2 * i) + 1] = (float)((time * mean[1] / (scale * scale) / precision) + (radius * Math.Sin(angle)));
        }

        (judge["x"], judge["t"]) = (positions, times);
        judge.Parameters = training.Average;
        judge.Run(n);
        var relative = Math.Sqrt(judge["error"][0] / judge["norm"][0]);
        Assert.True(relative < 2e-2, $"relative L2 error {relative}");
    }

    [Fact]
    public void OptionsAreCheckedAndUnknownNamesRefused()
    {
        Assert.Contains(
            "depht",
            Assert.Throws<ArgumentException>(() => MethodOptions.Parse<PinnOptions>("""{ "depht": 3 }""")).Message, StringComparison.Ordinal);
        Assert.Contains(
            "1 to 64",
            Assert.Throws<ArgumentException>(() => MethodOptions.Parse<PinnOptions>("""{ "depth": 0 }""")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MethodOptions.Parse<PinnOptions>("""{ "iterations": 10, "budget": "00:01:00" }"""));
        Assert.Throws<ArgumentException>(() => MethodOptions.Parse<PinnOptions>("null"));
        var options = s_small with { Training = s_small.Training with { Budget = null }, Carry = s_small.Carry with { Diffusion = 0.25 } };
        Assert.Equal(options, MethodOptions.Parse<PinnOptions>(MethodOptions.Format(options)));
    }

    private sealed class Watch(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
