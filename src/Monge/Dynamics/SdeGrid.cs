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
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Times = new NdArray<T>(count);
        NextTimes = new NdArray<T>(count);
        Steps = new NdArray<T>(count);
        Diffusions = new NdArray<T>(count);
        for (var k = 0; k < count; k++)
        {
            var (t, next) = ((double)(first + k) / total, (double)(first + k + 1) / total);
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
}
