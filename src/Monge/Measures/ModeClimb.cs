using Monge.Engine.Arrays;
using Monge.Engine.Execution;

namespace Monge.Measures;

/// <summary>
/// Climbs to modes from many starts as one batch, by gradient steps of the length of Barzilai and Borwein ("Two-point step size gradient methods", 1988).
/// </summary>
/// <param name="program">From x [d] to the value and the gradient.</param>
/// <param name="dimension">Number of coordinates d.</param>
internal sealed class ModeClimb(CompiledProgram<double> program, int dimension)
{
    private const int Steps = 150;
    private const double Armijo = 1e-4;
    private const double Shrink = 0.2;
    private const double Grow = 4;
    private const double Arrived = 1e-7;

    /// <summary>Starts so far.</summary>
    public int Starts { get; private set; }

    /// <summary>Evaluations of value and gradient on climbs so far.</summary>
    public long Evaluations { get; private set; }

    /// <summary>The gradients [n, d] at positions [n, d].</summary>
    public double[] Gradients(double[] positions)
    {
        var (d, n) = (dimension, positions.Length / dimension);
        var (x, value, gradient) = (NdArray<double>.From(positions, n, d), new NdArray<double>(n), new NdArray<double>(n, d));
        (program["x"], program["value"], program["gradient"]) = (x, value, gradient);
        program.Run(n);
        return gradient.Span.ToArray();
    }

    /// <summary>From starts [n, d] to where they end and the values there.</summary>
    public (double[] Positions, double[] Values) Run(double[] starts, CancellationToken cancellation)
    {
        var (d, n) = (dimension, starts.Length / dimension);
        Starts += n;
        var (trial, value, gradient) = (new NdArray<double>(n, d), new NdArray<double>(n), new NdArray<double>(n, d));
        (program["x"], program["value"], program["gradient"]) = (trial, value, gradient);
        var (x, values, slopes, steps) = ((double[])starts.Clone(), new double[n], new double[n * d], new double[n]);
        var active = new List<int>();
        starts.CopyTo(trial.Span);
        Evaluate(n);
        for (var s = 0; s < n; s++)
        {
            values[s] = value[s];
            gradient.Row(s).CopyTo(slopes.AsSpan(s * d, d));
            var length = Math.Sqrt(Square(gradient.Row(s)));
            if (double.IsFinite(values[s]) && double.IsFinite(length) && length > 0)
            {
                steps[s] = 0.1 * (1 + Math.Sqrt(Square(x.AsSpan(s * d, d)))) / length;
                active.Add(s);
            }
        }

        for (var k = 0; k < Steps && active.Count > 0; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (var lane = 0; lane < active.Count; lane++)
            {
                var at = active[lane] * d;
                for (var i = 0; i < d; i++)
                {
                    trial[(lane * d) + i] = x[at + i] + (steps[active[lane]] * slopes[at + i]);
                }
            }

            Evaluate(active.Count);
            var going = new List<int>(active.Count);
            for (var lane = 0; lane < active.Count; lane++)
            {
                if (GoesOn(active[lane], trial.Row(lane), value[lane], gradient.Row(lane)))
                {
                    going.Add(active[lane]);
                }
            }

            active = going;
        }

        return (x, values);

        void Evaluate(int lanes)
        {
            program.Run(lanes);
            Evaluations += lanes;
        }

        bool GoesOn(int s, Span<double> next, double reached, Span<double> slope)
        {
            var at = x.AsSpan(s * d, d);
            var old = slopes.AsSpan(s * d, d);
            var (square, curvature) = (Square(old), 0.0);
            var length = Math.Sqrt(square);
            if (!double.IsFinite(reached) || !double.IsFinite(Square(slope)) || reached < values[s] + (Armijo * steps[s] * square))
            {
                steps[s] *= Shrink;
                return steps[s] * length > 1e-14 * (1 + Math.Sqrt(Square(at)));
            }

            for (var i = 0; i < d; i++)
            {
                curvature -= (slope[i] - old[i]) * old[i];
            }

            // |s|^2 / s.y with s = step times the old gradient; where the density isn't concave along it, longer.
            var moved = steps[s] * length;
            steps[s] = curvature > 0 ? Math.Min(square * steps[s] / curvature, 1e3 * steps[s]) : Grow * steps[s];
            next.CopyTo(at);
            slope.CopyTo(old);
            values[s] = reached;
            return moved > Arrived * (1 + Math.Sqrt(Square(at))) || curvature <= 0;
        }
    }

    private static double Square(ReadOnlySpan<double> v)
    {
        var sum = 0.0;
        foreach (var entry in v)
        {
            sum += entry * entry;
        }

        return sum;
    }
}
