#!/usr/bin/env dotnet
// A sampler of your own with Monge's whole command line: options, checkpoints, --resume to the bit, progress, --json, a line in `methods`.
//   dotnet run examples/own-method.cs -- sample gaussian-4 --method adaptive --seed 1
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using Monge.Cli;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

MethodRegistry.Add(MethodRegistry.Sampler<AdaptiveOptions>(
    "adaptive",
    "Adaptive importance sampling",
    "Draws from a Gaussian with independent coordinates whose moments follow those of the weighted draws.",
    ["M.-S. Oh and J. Berger, Adaptive importance sampling in Monte Carlo integration, 1992"],
    (target, options) => new AdaptiveSampler(target, options),
    ("patient", new AdaptiveOptions { Iterations = 1000, Rate = 0.02 })));
return await MongeCommand.RunAsync(args);

/// <summary>Options of the sampler.</summary>
public sealed record AdaptiveOptions : IMethodOptions
{
    /// <summary>Rounds of draws by which the Gaussian adapts, at least 1.</summary>
    public long Iterations { get; init; } = 200;

    /// <summary>Draws of a round, 10 to 1,000,000.</summary>
    public int BatchSize { get; init; } = 1000;

    /// <summary>The share of a round in the moments, above 0 and at most 1.</summary>
    public double Rate { get; init; } = 0.1;

    /// <summary>Seconds between two checkpoints, above 0.</summary>
    public double CheckpointSeconds { get; init; } = 15;

    public void Check()
    {
        OptionCheck.AtLeast<long>(Iterations, 1);
        OptionCheck.Within<int>(BatchSize, 10, 1_000_000);
        OptionCheck.AboveTo<double>(Rate, 0, 1);
        OptionCheck.Above<double>(CheckpointSeconds, 0);
    }
}

/// <summary>The sampler: adapt, then draw.</summary>
public sealed class AdaptiveSampler(Density target, AdaptiveOptions options) : ISamplingMethod
{
    public string Name => "adaptive";

    public IMethodOptions Options => options;

    public SampleSet Sample(int samples, Run run)
    {
        SamplingMethods.Check(target, samples);
        var session = new RunSession(run, new RunIdentity(Name, SamplingMethods.Identity(target), options));
        var gaussian = new AdaptiveGaussian(target, options, run.Seed);
        var outcome = session.Iterate("adapt", gaussian, options.Iterations, checkpointSeconds: options.CheckpointSeconds);
        var model = new RunState();
        gaussian.Exchange(model);
        session.SaveModel(model);
        var (positions, logWeights) = gaussian.Draw(samples, -1);
        return SampleSet.Of(target, positions, logWeights, Name, options, "adapted Gaussian", run.Seed, outcome);
    }
}

/// <summary>A Gaussian whose mean and deviations follow weighted draws: init, step and state of the algorithm.</summary>
public sealed class AdaptiveGaussian(Density target, AdaptiveOptions options, ulong seed) : IIterative
{
    private static readonly StreamName s_draws = StreamName.Of("adaptive draws");
    private readonly double[] _mean = new double[target.Dimension];
    private readonly double[] _deviation = new double[target.Dimension];
    private double _ess;

    public void Init() => Array.Fill(_deviation, 3);

    public StepInfo Step(long iteration, long total)
    {
        var (positions, logWeights) = Draw(options.BatchSize, (int)iteration);
        var largest = logWeights.Max();
        double[] weights = [.. logWeights.Select(w => Math.Exp(w - largest))];
        var (d, sum) = (target.Dimension, weights.Sum());
        _ess = sum * sum / weights.Sum(w => w * w) / weights.Length;
        for (var j = 0; j < d; j++)
        {
            var mean = weights.Select((w, i) => w * positions[(i * d) + j]).Sum() / sum;
            var variance = weights.Select((w, i) => w * Math.Pow(positions[(i * d) + j] - mean, 2)).Sum() / sum;
            _mean[j] += options.Rate * (mean - _mean[j]);
            _deviation[j] = Math.Max(1e-3, _deviation[j] + (options.Rate * (Math.Sqrt(variance) - _deviation[j])));
        }

        return new StepInfo();
    }

    public void Exchange(RunState state)
    {
        state.Exchange<double>("mean", _mean);
        state.Exchange<double>("deviation", _deviation);
        state.Exchange("ess", ref _ess);
    }

    public IReadOnlyList<Figure> Validate() => [new Figure("ess", "ESS", _ess, IsShare: true)];

    public (double[] Positions, double[] LogWeights) Draw(int count, int round)
    {
        var random = new RandomStream(seed, s_draws.Member(round));
        double[] noise = [.. Enumerable.Range(0, count * _mean.Length).Select(_ => random.NextNormal())];
        double[] positions = [.. noise.Select((z, at) => _mean[at % _mean.Length] + (_deviation[at % _mean.Length] * z))];
        var start = _deviation.Sum(Math.Log) + (0.5 * _mean.Length * Math.Log(2 * Math.PI));
        double Square(int i) => noise.AsSpan(i * _mean.Length, _mean.Length).ToArray().Sum(z => z * z);
        double[] logWeights = [.. target.LogDensityAt(positions).Select((log, i) => log + start + (0.5 * Square(i)))];
        return (positions, logWeights);
    }
}
