using Monge.Diagnostics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>Tells an evolution along its times, from samples that it carries.</summary>
internal sealed class EvolutionTable : IDisposable
{
    // Implicit steps are exact where they end and off by their length where they begin: below this ratio of the squares it is the length that counts.
    private const double LongSteps = 0.3;

    // Partners of each sample in the mean of an interaction.
    private const int Partners = 256;

    private readonly EvolutionProblem _problem;
    private readonly ExecutionOptions _execution;
    private readonly double? _diffusion;
    private readonly bool _hasBound;
    private readonly PointFunction _drift;
    private readonly PointFunction? _potential;
    private readonly PointFunction? _interaction;
    private readonly PointFunction? _force;
    private double _bound;
    private double[]? _residual;
    private double[] _left = [];
    private double[] _departure = [];

    // Squares of the residual where steps begin and where they end, and of what stepping adds, each times the steps' lengths.
    private (double Begin, double End, double Stepping) _sizes;

    private EvolutionTable(EvolutionProblem problem, int threads)
    {
        (_problem, _execution) = (problem, new ExecutionOptions { Threads = threads });
        _diffusion = problem.Diffusion.Scalar is > 0 and var eps ? eps : null;

        // The drift must not depend on the law: then the law's error enters it too. Nor is there a bound across an observation, which weighs errors anew.
        _hasBound = _diffusion is not null && problem.Energy?.Interaction is null && problem.Observations.Count == 0;
        PointFunction Compile(Func<Expr, Expr, Expr> function) => new(function, problem.Dimension, _execution);
        _drift = Compile(problem.Drift);
        _potential = problem.Energy?.Potential is { } potential ? Compile((x, _) => potential(x)) : null;
        if (problem.Energy?.Interaction is { } interaction)
        {
            (_interaction, _force) = (Compile((z, _) => interaction(z)), Compile((z, _) => -Derivative.Gradient(interaction(z), z)));
        }
    }

    /// <summary>One point for each of the times.</summary>
    /// <param name="evolution">The evolution.</param>
    /// <param name="samples">Samples.</param>
    /// <param name="run">Seed, threads and progress.</param>
    /// <param name="keep">Receives the samples at each time.</param>
    /// <returns>The points, and whether it is the steps' length that makes most of the stated error, rather than the training.</returns>
    public static (IReadOnlyList<EvolutionPoint> Points, bool AreStepsLong) Of(IEvolution evolution, int samples, Run run, Action<EvolvedSamples> keep)
    {
        using var table = new EvolutionTable(evolution.Problem, run.Threads);
        List<EvolutionPoint> points = [];
        foreach (var at in evolution.Carry(samples, run.DrawSeed ?? run.Seed, run.Threads))
        {
            run.Cancellation.ThrowIfCancellationRequested();
            points.Add(table.Tell(at, points.Count == 0 ? 0 : at.Time - points[^1].Time));
            keep(at);
        }

        return (points, table._sizes.Stepping > table._sizes.End || table._sizes.End < LongSteps * table._sizes.Begin);
    }

    private EvolutionPoint Tell(EvolvedSamples at, double length)
    {
        var d = _problem.Dimension;
        var velocity = Velocity(at, at.Score);
        Advance(at, velocity, length);
        velocity = at.LearnedScore.Length > 0 ? Velocity(at, at.LearnedScore) : velocity;
        var mean = RowMoments.Mean(at.Positions, d);
        var covariance = RowMoments.Covariance(at.Positions, d, mean);
        double[] squares = [.. Rows(velocity, d).Select(row => row.Sum(v => v * v))];
        return new EvolutionPoint
        {
            Time = at.Time,
            Mean = mean,
            Deviation = [.. Enumerable.Range(0, d).Select(i => Math.Sqrt(covariance[i * (d + 1)]))],
            Entropy = ForwardWeights.MeanAndError([.. at.LogDensity.Select(l => -l)]),
            EntropyAboveGaussian = AboveGaussian(at, mean, covariance),
            FreeEnergy = FreeEnergy(at),
            EntropyProduction = _diffusion is { } eps ? ForwardWeights.MeanAndError([.. squares.Select(s => s / eps)]) : null,
            MeanSpeed = squares.Average(Math.Sqrt),
            DivergenceBound = _hasBound ? _bound : double.NaN,
            Divergence = Divergence(at, _problem.Facts.Law?.Invoke(at.Time)),
            DivergenceFromInvariant = Divergence(at, _problem.Facts.Stationary),
        };
    }

    // b - D score, with the mean force of an interaction and the pressure a m rho^(m - 1) grad log rho of a porous medium.
    private double[] Velocity(EvolvedSamples at, double[] score)
    {
        var d = _problem.Dimension;
        var velocity = _drift.At(at.Positions, at.Time);
        var matrix = _problem.Diffusion.Matrix;
        for (var i = 0; i < velocity.Length; i++)
        {
            var (row, k) = (i / d * d, i % d);
            for (var j = 0; j < d; j++)
            {
                velocity[i] -= matrix[(k * d) + j] * score[row + j];
            }

            if (_problem.Energy is { PorousFactor: > 0 } medium)
            {
                velocity[i] -= medium.PorousFactor * medium.PorousExponent * Math.Exp((medium.PorousExponent - 1) * at.LogDensity[i / d]) * score[i];
            }
        }

        for (var shift = 1; _force is not null && shift <= Math.Min(Partners, at.LogDensity.Length - 1); shift++)
        {
            var force = _force.At(Apart(at.Positions, shift * d));
            for (var i = 0; i < velocity.Length; i++)
            {
                velocity[i] += force[i] / Math.Min(Partners, at.LogDensity.Length - 1);
            }
        }

        return velocity;
    }

    // Of each sample its difference from the one so many numbers further on.
    private static double[] Apart(double[] positions, int shift) => [.. positions.Select((p, i) => p - positions[(i + shift) % positions.Length])];

    // The residual at both ends of a step, taken as linear between: a third of the sum of squares and product. What the samples were moved by beyond the mean
    // of both velocities, the error of the step itself, belongs to both.
    private void Advance(EvolvedSamples at, double[] velocity, double length)
    {
        if (!_hasBound || _diffusion is not { } eps)
        {
            return;
        }

        if (_residual is { } before)
        {
            var (sum, sizes) = (0.0, (Begin: 0.0, End: 0.0, Stepping: 0.0));
            for (var i = 0; i < before.Length; i++)
            {
                var off = ((at.Positions[i] - _left[i]) / length) - (0.5 * (_departure[i] + at.VelocityBefore[i]));
                var (begin, end) = (before[i] + off, at.VelocityBefore[i] - velocity[i] + off);
                sum += (begin * begin) + (begin * end) + (end * end);
                sizes = (sizes.Begin + (begin * begin), sizes.End + (end * end), sizes.Stepping + (off * off));
            }

            _bound += length * sum / (3 * (before.Length / _problem.Dimension)) / (4 * eps);
            _sizes = (_sizes.Begin + (length * sizes.Begin), _sizes.End + (length * sizes.End), _sizes.Stepping + (length * sizes.Stepping));
        }

        (_left, _departure) = (at.Positions, at.VelocityAfter);
        _residual = at.VelocityAfter.Length > 0 ? [.. at.VelocityAfter.Zip(velocity, (moved, right) => moved - right)] : null;
    }

    // With W C W^T = I for the samples' covariance C the mean of |W (x - m)|^2 / 2 is d / 2, so that of the difference from the Gaussian's log density is what
    // is sought, and its scatter the error.
    private static (double Value, double Error)? AboveGaussian(EvolvedSamples at, double[] mean, double[] covariance)
    {
        var d = mean.Length;
        var square = new double[d, d];
        Buffer.BlockCopy(covariance, 0, square, 0, covariance.Length * sizeof(double));
        if (LowerTriangle.TryFactor(square) is not { } factor)
        {
            return null;
        }

        var gaussian = GaussianBase.Full(mean, factor);
        var noise = new double[d];
        var constant = gaussian.LogDeterminant + (0.5 * d * Math.Log(2 * Math.PI));
        var (value, error) = ForwardWeights.MeanAndError([.. at.LogDensity.Select((log, i) =>
        {
            gaussian.ToNoise(at.Positions.AsSpan(i * d, d), noise);
            return -log - constant - (0.5 * noise.Sum(z => z * z));
        })]);

        // The covariance is the samples' own, which lowers the Gaussian's entropy by about d (d + 3) / 4n.
        return (value - (0.5 * d * (d + 3) / at.LogDensity.Length), error);
    }

    private (double Value, double Error)? FreeEnergy(EvolvedSamples at)
    {
        if (_problem.Energy is not { } energy)
        {
            return null;
        }

        var values = _potential?.At(at.Positions) ?? new double[at.LogDensity.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] += energy.Temperature * at.LogDensity[i];
            var above = energy.PorousExponent - 1;
            values[i] += energy.PorousFactor > 0 ? energy.PorousFactor / above * Math.Exp(above * at.LogDensity[i]) : 0;
        }

        if (_interaction is not null)
        {
            // Neighbours in the samples' order are independent of each other.
            var pairs = _interaction.At(Apart(at.Positions, _problem.Dimension));
            for (var i = 0; i < values.Length; i++)
            {
                values[i] += 0.5 * pairs[i];
            }
        }

        return ForwardWeights.MeanAndError(values);
    }

    private (double Value, double Error)? Divergence(EvolvedSamples at, LawFacts? law)
    {
        if (law?.LogDensity is not { } exact)
        {
            return null;
        }

        var theirs = PointFunction.At(exact, at.Positions, _problem.Dimension, _execution);
        var (value, error) = SymmetricDivergence.Directed([.. at.LogDensity.Zip(theirs, (mine, right) => mine - right)]);
        return (value, error);
    }

    private static IEnumerable<ArraySegment<double>> Rows(double[] values, int d)
    {
        for (var first = 0; first < values.Length; first += d)
        {
            yield return new ArraySegment<double>(values, first, d);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _drift.Dispose();
        _potential?.Dispose();
        _interaction?.Dispose();
        _force?.Dispose();
    }
}
