using System.Numerics;
using Monge.Engine.Arrays;

namespace Monge.Dynamics;

/// <summary>The time grid of an SDE: for each step its begin t, end t + h, length h and diffusion eps.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class SdeGrid<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Makes the grid of steps <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> - 1 of <paramref name="total"/> equal ones over [0, 1].</summary>
    /// <param name="first">The first step.</param>
    /// <param name="count">Number of steps.</param>
    /// <param name="total">Steps of the whole grid.</param>
    /// <param name="diffusion">eps of the step from t to t + h, above 0.</param>
    public SdeGrid(int first, int count, int total, Func<double, double, double> diffusion)
        : this(Equal(first, count, total), diffusion)
    {
    }

    /// <summary>Makes the grid of steps between given times, such as sorted random ones (arXiv:2410.02711, Algorithm 1).</summary>
    /// <param name="times">The times, rising strictly within [0, 1]; a step leads from each to the next.</param>
    /// <param name="diffusion">eps of the step from t to t + h, above 0.</param>
    /// <exception cref="ArgumentException">There are fewer than two times or they don't rise.</exception>
    public SdeGrid(ReadOnlySpan<double> times, Func<double, double, double> diffusion)
    {
        var count = times.Length - 1;
        if (count < 1)
        {
            throw new ArgumentException("A time grid needs at least two times.", nameof(times));
        }

        Times = new NdArray<T>(count);
        NextTimes = new NdArray<T>(count);
        Steps = new NdArray<T>(count);
        Diffusions = new NdArray<T>(count);
        for (var k = 0; k < count; k++)
        {
            var (t, next) = (times[k], times[k + 1]);
            if (!(next > t))
            {
                throw new ArgumentException(FormattableString.Invariant($"The times of a grid must rise, but {next} follows {t}."), nameof(times));
            }

            Times[k] = T.CreateChecked(t);
            NextTimes[k] = T.CreateChecked(next);
            Steps[k] = T.CreateChecked(next - t);
            Diffusions[k] = T.CreateChecked(diffusion(t, next));
        }
    }

    /// <summary>Number of steps.</summary>
    public int Count => Times.Length;

    /// <summary>t [K].</summary>
    public NdArray<T> Times { get; }

    /// <summary>t + h [K].</summary>
    public NdArray<T> NextTimes { get; }

    /// <summary>h [K].</summary>
    public NdArray<T> Steps { get; }

    /// <summary>eps [K].</summary>
    public NdArray<T> Diffusions { get; }

    private static double[] Equal(int first, int count, int total)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var times = new double[count + 1];
        for (var k = 0; k <= count; k++)
        {
            times[k] = (double)(first + k) / total;
        }

        return times;
    }
}
