using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.MonteCarlo;

/// <summary>
/// Normal approximations along the ways that a quasi-Newton method takes uphill from several starts, of each way the one that is nearest to the density. A draw
/// of it lies where the density's mass is, not at its mode. The ways go side by side: each evaluation serves one point of every way. Source: L. Zhang,
/// B. Carpenter, A. Gelman, A. Vehtari, "Pathfinder: Parallel quasi-Newton variational inference", JMLR 23 (2022), algorithms 1 to 5.
/// </summary>
internal sealed class Pathfinder : IDisposable
{
    // Ways side by side: those of a batch keep all their points until the best is chosen.
    private const int Batch = 256;
    private const int MostSteps = 1000;
    private const int MostAttempts = 100;
    private const int MostCandidates = 50;
    private const int DrawsOfCandidate = 8;

    private readonly PointFunction _values;
    private readonly PointFunction _slopes;
    private readonly Density _target;
    private readonly int _dimension;

    /// <summary>Compiles the density.</summary>
    /// <param name="target">The density.</param>
    /// <param name="execution">How to execute.</param>
    public Pathfinder(Density target, ExecutionOptions? execution)
    {
        (_target, _dimension) = (target, target.Dimension);
        _values = new PointFunction((x, _) => target.LogDensity(x), _dimension, execution);
        _slopes = new PointFunction(
            (x, _) =>
            {
                var value = target.LogDensity(x);
                return Expr.Concat(0, value.Reshape(1), Derivative.Gradient(value, x));
            }, _dimension, execution);
    }

    /// <summary>Evaluations of the density, with or without its gradient.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>Finds an approximation from points drawn uniformly from (-spread, spread)^d, one for each stream, where all is finite.</summary>
    /// <param name="spread">The spread.</param>
    /// <param name="random">A stream of random numbers for each start.</param>
    /// <exception cref="DensityException">There is no such point among a hundred.</exception>
    public NormalPath[] FindFromUniform(double spread, IReadOnlyList<RandomStream> random)
    {
        var (d, starts, lost) = (_dimension, new double[random.Count * _dimension], Enumerable.Range(0, random.Count).ToList());
        for (var attempt = 0; attempt < MostAttempts && lost.Count > 0; attempt++)
        {
            foreach (var way in lost)
            {
                foreach (ref var x in starts.AsSpan(way * d, d))
                {
                    x = spread * ((2 * random[way].NextDouble()) - 1);
                }
            }

            var found = _slopes.At(starts);
            TargetCalls += random.Count;
            lost.RemoveAll(way => AllFinite(found.AsSpan(way * (d + 1), d + 1)));
        }

        return lost.Count == 0 ? Find(starts, random) : throw new DensityException(FormattableString.Invariant(
            $"The log density of '{_target.Name}' or its gradient is not finite at {MostAttempts} points drawn from (-{spread:g3}, {spread:g3})^{d}; ")
            + "give the coordinates a support, or set startSpread to where the density is positive.");
    }

    /// <summary>Finds an approximation from each start.</summary>
    /// <param name="starts">Starts [n, d], row-major, at which density and gradient are finite.</param>
    /// <param name="random">A stream of random numbers for each start.</param>
    /// <returns>n approximations, each with a draw; minus infinity in <see cref="NormalPath.Elbo"/> where none was found.</returns>
    public NormalPath[] Find(double[] starts, IReadOnlyList<RandomStream> random) =>
        [.. Enumerable.Range(0, random.Count).Chunk(Batch).SelectMany(batch => FindBatch(starts, batch, random))];

    private IEnumerable<NormalPath> FindBatch(double[] starts, int[] batch, IReadOnlyList<RandomStream> random)
    {
        Ascent[] ways = [.. batch.Select(i => new Ascent(starts.AsSpan(i * _dimension, _dimension).ToArray()))];
        var active = ways.ToList();
        while (active.Count > 0)
        {
            var points = new double[active.Count * _dimension];
            for (var i = 0; i < active.Count; i++)
            {
                active[i].Trial.CopyTo(points, i * _dimension);
            }

            var found = _slopes.At(points);
            TargetCalls += active.Count;
            for (var i = 0; i < active.Count; i++)
            {
                active[i].Take(found[i * (_dimension + 1)], found.AsSpan((i * (_dimension + 1)) + 1, _dimension));
            }

            active.RemoveAll(w => w.IsDone);
        }

        return [.. ways.Zip(batch, (way, i) => Best(way, random[i]))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _slopes.Dispose();
    }

    // Of the approximations along a way that with the largest evidence lower bound.
    private NormalPath Best(Ascent way, RandomStream random)
    {
        var (count, d) = (Math.Min(MostCandidates, way.Points.Count), _dimension);
        QuasiNormal[] candidates = [.. Enumerable.Range(0, count).Select(i => new QuasiNormal(way.Points[^(1 + (int)((long)i * way.Points.Count / count))]))];
        var (points, logs) = (new double[count * DrawsOfCandidate * d], new double[count * DrawsOfCandidate]);
        for (var i = 0; i < logs.Length; i++)
        {
            logs[i] = candidates[i / DrawsOfCandidate].Draw(random, points.AsSpan(i * d, d));
        }

        var values = _values.At(points);
        TargetCalls += logs.Length;
        var (best, bound) = (0, double.NegativeInfinity);
        for (var c = 0; c < count; c++)
        {
            var mean = 0.0;
            for (var i = c * DrawsOfCandidate; i < (c + 1) * DrawsOfCandidate; i++)
            {
                mean += (values[i] - logs[i]) / DrawsOfCandidate;
            }

            if (mean > bound && double.IsFinite(mean))
            {
                (best, bound) = (c, mean);
            }
        }

        return new NormalPath(candidates[best], points.AsSpan(best * DrawsOfCandidate * d, d).ToArray(), bound);
    }

    /// <summary>
    /// One way uphill: L-BFGS with a diagonal that follows the curvature (J. Gilbert and C. Lemarechal, Math. Program. 45 (1989)) and halving of steps until
    /// the density has risen enough.
    /// </summary>
    private sealed class Ascent
    {
        private const int History = 6;
        private const int MostHalvings = 40;
        private const double Rise = 1e-4;
        private const double RelativeEnd = 1e-9;
        private const double LeastCurvature = 1e-12;

        private readonly List<(double[] Move, double[] Change)> _pairs = [];
        private double[] _diagonal;
        private double[] _position;
        private double[] _gradient = [];
        private double[] _direction = [];
        private double _value;
        private double _length;
        private int _halvings;

        public Ascent(double[] start)
        {
            (_position, _diagonal, Trial) = (start, new double[start.Length], start);
            Array.Fill(_diagonal, 1);
        }

        public bool IsDone { get; private set; }

        /// <summary>The point that is to be evaluated next.</summary>
        public double[] Trial { get; private set; }

        /// <summary>The points passed, with what is known of the curvature there.</summary>
        public List<AscentPoint> Points { get; } = [];

        /// <summary>Takes in the log density and its gradient at <see cref="Trial"/>.</summary>
        public void Take(double value, ReadOnlySpan<double> gradient)
        {
            if (_gradient.Length == 0)
            {
                (_value, _gradient) = (value, gradient.ToArray());
                Pass();
                return;
            }

            var slope = HostVectors.Dot(_gradient, _direction);
            if (!(value >= _value + (Rise * _length * slope)) || !AllFinite(gradient))
            {
                _length *= double.IsFinite(value) ? 0.5 : 0.1;
                IsDone = ++_halvings > MostHalvings;
                SetTrial();
                return;
            }

            var (move, change) = (new double[Trial.Length], new double[Trial.Length]);
            for (var i = 0; i < move.Length; i++)
            {
                (move[i], change[i]) = (Trial[i] - _position[i], _gradient[i] - gradient[i]);
            }

            Learn(move, change);
            var rise = value - _value;
            (_position, _value, _gradient) = (Trial, value, gradient.ToArray());
            IsDone = rise <= RelativeEnd * Math.Max(1, Math.Abs(value)) || Points.Count >= MostSteps;
            Pass();
        }

        // A pair along which the density is concave gives curvature; others are passed over.
        private void Learn(double[] move, double[] change)
        {
            var product = HostVectors.Dot(move, change);
            if (!(product > LeastCurvature * Math.Sqrt(HostVectors.Dot(move, move) * HostVectors.Dot(change, change))) || !double.IsFinite(product))
            {
                return;
            }

            double a = 0, c = 0;
            for (var i = 0; i < move.Length; i++)
            {
                a += change[i] * _diagonal[i] * change[i];
                c += move[i] * move[i] / _diagonal[i];
            }

            var diagonal = new double[move.Length];
            for (var i = 0; i < move.Length; i++)
            {
                var d = _diagonal[i];
                diagonal[i] = 1 / ((a / (product * d)) + (change[i] * change[i] / product) - (a * move[i] * move[i] / (product * c * d * d)));
            }

            if (!Array.TrueForAll(diagonal, v => v > 0 && double.IsFinite(v)))
            {
                return;
            }

            _diagonal = diagonal;
            _pairs.Add((move, change));
            if (_pairs.Count > History)
            {
                _pairs.RemoveAt(0);
            }
        }

        private void Pass()
        {
            Points.Add(new AscentPoint(_position, _gradient, _diagonal, [.. _pairs]));
            _direction = Direction();
            _halvings = 0;

            // Before anything is known of the curvature a step of length one.
            _length = _pairs.Count > 0 ? 1 : Math.Min(1, 1 / Math.Sqrt(HostVectors.Dot(_direction, _direction)));
            IsDone |= !AllFinite(_direction) || !(HostVectors.Dot(_direction, _gradient) > 0);
            SetTrial();
        }

        private void SetTrial()
        {
            var trial = new double[_position.Length];
            for (var i = 0; i < trial.Length; i++)
            {
                trial[i] = _position[i] + (_length * _direction[i]);
            }

            Trial = trial;
        }

        // The inverse curvature times the gradient, by the recursion of two loops.
        private double[] Direction()
        {
            double[] q = [.. _gradient];
            var shares = new double[_pairs.Count];
            for (var k = _pairs.Count - 1; k >= 0; k--)
            {
                var (move, change) = _pairs[k];
                shares[k] = HostVectors.Dot(move, q) / HostVectors.Dot(move, change);
                HostVectors.AddScaled(-shares[k], change, q);
            }

            for (var i = 0; i < q.Length; i++)
            {
                q[i] *= _diagonal[i];
            }

            for (var k = 0; k < _pairs.Count; k++)
            {
                var (move, change) = _pairs[k];
                HostVectors.AddScaled(shares[k] - (HostVectors.Dot(change, q) / HostVectors.Dot(move, change)), move, q);
            }

            return q;
        }
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

/// <summary>A normal approximation of a density, with one draw.</summary>
/// <param name="Law">The approximation.</param>
/// <param name="Draw">A draw of it [d].</param>
/// <param name="Elbo">The evidence lower bound: the mean of log density less log approximation over its draws; minus infinity if it isn't finite.</param>
internal sealed record NormalPath(QuasiNormal Law, double[] Draw, double Elbo)
{
    // A way uphill whose normal approximation has an evidence bound this far below the best one's, in nats and for each coordinate, has ended where there is no
    // mass to speak of.
    private const double HopelessGap = 20;
    private const double HopelessGapOfCoordinate = 1;

    /// <summary>The evidence bound below which a way of several has led nowhere.</summary>
    public static double LeastElbo(IEnumerable<NormalPath> paths, int dimension) =>
        paths.Max(p => p.Elbo) - Math.Max(HopelessGap, HopelessGapOfCoordinate * dimension);

    /// <summary>Those of several that have led to where there is mass.</summary>
    public static NormalPath[] Good(IReadOnlyList<NormalPath> paths, int dimension)
    {
        var least = LeastElbo(paths, dimension);
        return [.. paths.Where(p => p.Elbo >= least && double.IsFinite(p.Elbo))];
    }
}
