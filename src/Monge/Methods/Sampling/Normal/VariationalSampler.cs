using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Samples from the Gaussian with the largest evidence lower bound, and weighs the draws. The bound's gradient is that of the path alone, whose noise vanishes
/// where the density is a Gaussian. Source: A. Kucukelbir et al., "Automatic differentiation variational inference", JMLR 18 (2017); G. Roeder, Y. Wu and
/// D. Duvenaud, "Sticking the landing", arXiv:1703.09194, equation 7.
/// </summary>
public sealed class VariationalSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "vi";

    private const int Ways = 8;

    private readonly Density _target;
    private readonly VariationalOptions _options;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public VariationalSampler(Density target, VariationalOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        (_target, _options) = (target, options ?? new VariationalOptions());
        _options.Check();
    }

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public IMethodOptions Options => _options;

    /// <inheritdoc/>
    /// <exception cref="DensityException">No way uphill led to mass.</exception>
    public SampleSet Sample(int samples, Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        _target.CheckTails(run.Cancellation);
        var session = new RunSession(run, new RunIdentity(MethodName, SamplingMethods.Identity(_target), _options));
        using var fit = new GaussianAscent(_target, _options, Ways, run);
        var trained = session.Iterate("fit", fit, _options.Iterations, validations: 1);
        var law = fit.Law();
        var draws = NormalDraws.Weigh(
            _target, law, samples, MethodName, _options, $"independent draws of a {(fit.IsDense ? "dense" : "diagonal")} Gaussian", run);
        return draws with
        {
            TargetCalls = fit.TargetCalls + samples,
            Preparation = $"the best of {Ways} ways uphill",
            Iterations = _options.Iterations,
            TrainSeconds = trained.Elapsed.TotalSeconds,
        };
    }
}

/// <summary>The ascent of the bound. The law is z = m0 + D (m + L e), D the deviations at the start, L lower triangular with the diagonal exp(l).</summary>
internal sealed class GaussianAscent : IIterative, IDisposable
{
    private const double LastRate = 0.01;
    private const int MostDense = 100;
    private const int SpreadDraws = 64;

    private static readonly StreamName s_noise = StreamName.Of("variational noise");

    private readonly Density _target;
    private readonly VariationalOptions _options;
    private readonly Run _run;
    private readonly int _ways;
    private readonly int _dimension;
    private readonly PointFunction _slopes;
    private readonly Optimiser _optimiser = new Adam(SecondDecay: 0.999);
    private readonly double[] _centre;
    private readonly double[] _scale;

    // The mean, and the rows of the triangle up to the diagonal, or the diagonal alone.
    private readonly double[] _parameters;
    private readonly double[] _first;
    private readonly double[] _second;
    private RandomStream _random;
    private long _calls;

    public GaussianAscent(Density target, VariationalOptions options, int ways, Run run)
    {
        (_target, _options, _ways, _run, _dimension) = (target, options, ways, run, target.Dimension);
        IsDense = options.Family == GaussianFamily.Dense || (options.Family == GaussianFamily.Automatic && _dimension <= MostDense);
        var count = _dimension + (IsDense ? _dimension * (_dimension + 1) / 2 : _dimension);
        (_parameters, _first, _second) = (new double[count], new double[count], new double[count]);
        (_centre, _scale) = (new double[_dimension], new double[_dimension]);
        _random = new RandomStream(run.Seed, s_noise);
        _slopes = new PointFunction((x, _) => Derivative.Gradient(target.LogDensity(x), x), _dimension, run.Execution);
    }

    /// <summary>Whether the covariance has correlations.</summary>
    public bool IsDense { get; }

    /// <summary>Evaluations of the density's gradient, those of the start with them.</summary>
    public long TargetCalls => _calls;

    /// <inheritdoc/>
    public void Init()
    {
        using var pathfinder = new Pathfinder(_target, _run.Execution);
        var random = NormalDraws.Starts(_run.Seed, _ways);
        var best = pathfinder.FindFromUniform(_options.StartSpread, random).MaxBy(p => p.Elbo)!;
        if (!double.IsFinite(best.Elbo))
        {
            throw new DensityException($"None of {_ways} ways uphill led to mass of '{_target.Name}'; set startSpread to where it lies.");
        }

        _calls = pathfinder.TargetCalls;
        best.Law.Centre.CopyTo(_centre, 0);
        var point = new double[_dimension];
        for (var k = 0; k < SpreadDraws; k++)
        {
            best.Law.Draw(random[0], point);
            for (var i = 0; i < _dimension; i++)
            {
                _scale[i] += (point[i] - _centre[i]) * (point[i] - _centre[i]) / SpreadDraws;
            }
        }

        foreach (ref var s in _scale.AsSpan())
        {
            s = Math.Sqrt(s);
        }
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        var (d, n) = (_dimension, _options.BatchSize);
        var factor = Factor();
        var (noise, points) = (new double[n * d], new double[n * d]);
        for (var k = 0; k < n; k++)
        {
            for (var i = 0; i < d; i++)
            {
                // Each draw's mirror image beside it: what is odd in the noise then cancels.
                noise[(k * d) + i] = k % 2 == 1 ? -noise[((k - 1) * d) + i] : _random.NextNormal();
            }

            for (var i = 0; i < d; i++)
            {
                points[(k * d) + i] = _centre[i] + (_scale[i] * (_parameters[i] + Row(factor, i, noise.AsSpan(k * d, d))));
            }
        }

        var slopes = _slopes.At(points);
        _calls += n;
        var (gradient, used) = (new double[_parameters.Length], 0);
        for (var k = 0; k < n; k++)
        {
            var slope = slopes.AsSpan(k * d, d);
            if (!AllFinite(slope))
            {
                continue;
            }

            used++;
            var e = noise.AsSpan(k * d, d);
            var pull = Pull(factor, e);
            for (var i = 0; i < d; i++)
            {
                var g = (_scale[i] * slope[i]) + pull[i];
                gradient[i] += g;
                if (IsDense)
                {
                    var row = d + (i * (i + 1) / 2);
                    for (var j = 0; j < i; j++)
                    {
                        gradient[row + j] += g * e[j];
                    }

                    gradient[row + i] += g * e[i] * factor[row - d + i];
                }
                else
                {
                    gradient[d + i] += g * e[i] * factor[i];
                }
            }
        }

        if (used == 0)
        {
            throw new ArithmeticException(
                $"The gradient of '{_target.Name}' is not finite at any draw of the Gaussian in step {iteration + 1}; lower learningRate.");
        }

        var numbers = _optimiser.At(_options.LearningRate * Math.Pow(LastRate, (double)iteration / total), iteration + 1);
        for (var p = 0; p < gradient.Length; p++)
        {
            var g = gradient[p] / used;
            _first[p] = (numbers.FirstDecay * _first[p]) + ((1 - numbers.FirstDecay) * g);
            _second[p] = (numbers.SecondDecay * _second[p]) + ((1 - numbers.SecondDecay) * g * g);
            _parameters[p] += numbers.Rate * _first[p] / (Math.Sqrt(numbers.SecondScale * _second[p]) + numbers.Guard);
        }

        return new StepInfo();
    }

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        state.Exchange<double>("centre", _centre);
        state.Exchange<double>("scale", _scale);
        state.Exchange<double>("parameters", _parameters);
        state.Exchange<double>("first", _first);
        state.Exchange<double>("second", _second);
        double[] numbers = [_calls, _random.State.Position];
        state.Exchange<double>("numbers", numbers);
        _calls = (long)numbers[0];
        _random = new RandomStream(new RandomState(_random.State.Key, (ulong)numbers[1]));
    }

    /// <summary>The Gaussian that was found.</summary>
    public NormalLaw Law()
    {
        var (d, factor) = (_dimension, Factor());
        double[] mean = [.. Enumerable.Range(0, d).Select(i => _centre[i] + (_scale[i] * _parameters[i]))];
        if (!IsDense)
        {
            return new NormalLaw(GaussianBase.Diagonal(mean, [.. Enumerable.Range(0, d).Select(i => _scale[i] * factor[i])]));
        }

        var matrix = new double[d, d];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                matrix[i, j] = _scale[i] * factor[(i * (i + 1) / 2) + j];
            }
        }

        return new NormalLaw(GaussianBase.Full(mean, matrix));
    }

    /// <inheritdoc/>
    public void Dispose() => _slopes.Dispose();

    // The triangle L by rows, or its diagonal.
    private double[] Factor()
    {
        var factor = _parameters[_dimension..];
        for (var i = 0; i < _dimension; i++)
        {
            ref var diagonal = ref factor[IsDense ? (i * (i + 1) / 2) + i : i];
            diagonal = Math.Exp(diagonal);
        }

        return factor;
    }

    private double Row(double[] factor, int i, ReadOnlySpan<double> e)
    {
        if (!IsDense)
        {
            return factor[i] * e[i];
        }

        var sum = 0.0;
        for (var j = 0; j <= i; j++)
        {
            sum += factor[(i * (i + 1) / 2) + j] * e[j];
        }

        return sum;
    }

    // L^-T e: minus the gradient of the Gaussian's own log density, in units of the deviations.
    private double[] Pull(double[] factor, ReadOnlySpan<double> e)
    {
        double[] x = [.. e];
        for (var i = _dimension - 1; i >= 0; i--)
        {
            if (!IsDense)
            {
                x[i] /= factor[i];
                continue;
            }

            var row = i * (i + 1) / 2;
            x[i] /= factor[row + i];
            for (var j = 0; j < i; j++)
            {
                x[j] -= factor[row + j] * x[i];
            }
        }

        return x;
    }

    private static bool AllFinite(ReadOnlySpan<double> values)
    {
        foreach (var value in values)
        {
            if (!double.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }
}
