using System.Numerics;
using Monge.Engine.Arrays;

namespace Monge.Training;

/// <summary>
/// Parameters [P] under Adam (Kingma and Ba, arXiv:1412.6980) with the gradient clipped by its norm and an exponential moving average of the
/// parameters. A step allocates nothing.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="count">P.</param>
public sealed class AdamState<T>(int count)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const double FirstDecay = 0.9;
    private const double SecondDecay = 0.99;
    private const double Guard = 1e-8;

    /// <summary>The parameters.</summary>
    public NdArray<T> Parameters { get; } = new(count);

    /// <summary>The running mean of the gradient.</summary>
    public NdArray<T> FirstMoment { get; } = new(count);

    /// <summary>The running mean of the squared gradient.</summary>
    public NdArray<T> SecondMoment { get; } = new(count);

    /// <summary>The moving average of the parameters: what is used after training.</summary>
    public NdArray<T> Average { get; } = new(count);

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    /// <summary>Begins the average at the parameters.</summary>
    public void BeginAverage() => Parameters.Span.CopyTo(Average.Span);

    /// <summary>Takes one step.</summary>
    /// <param name="gradient">The gradient [P].</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="clip">The gradient is scaled down to this norm when longer.</param>
    /// <param name="averageDecay">The decay of the average; it is smaller in the first steps.</param>
    /// <returns>The gradient's norm before clipping; if it isn't finite, nothing was changed.</returns>
    public double Step(ReadOnlySpan<T> gradient, double learningRate, double clip, double averageDecay)
    {
        var norm = Math.Sqrt(SumOfSquares(gradient));
        if (!double.IsFinite(norm))
        {
            return norm;
        }

        Steps++;
        var first = 1 - Math.Pow(FirstDecay, Steps);
        var second = 1 - Math.Pow(SecondDecay, Steps);
        var rates = new Rates(
            T.CreateChecked(norm > clip ? clip / norm : 1),
            T.CreateChecked(FirstDecay),
            T.CreateChecked(SecondDecay),
            T.CreateChecked(learningRate / first),
            T.CreateChecked(1 / second),
            T.CreateChecked(Guard),
            T.CreateChecked(1 - Math.Min(averageDecay, (1.0 + Steps) / (10.0 + Steps))));
        Update(gradient, rates);
        return norm;
    }

    private static double SumOfSquares(ReadOnlySpan<T> values)
    {
        // Sixteen-wide blocks summed in the number format, the blocks in double: the same order on every machine.
        var sum = 0.0;
        for (var i = 0; i < values.Length; i += 16)
        {
            var block = T.Zero;
            var end = Math.Min(i + 16, values.Length);
            for (var j = i; j < end; j++)
            {
                block += values[j] * values[j];
            }

            sum += double.CreateChecked(block);
        }

        return sum;
    }

    private void Update(ReadOnlySpan<T> gradient, Rates rates)
    {
        var p = Parameters.Span;
        var m = FirstMoment.Span;
        var v = SecondMoment.Span;
        var a = Average.Span;
        var i = 0;
        var lanes = Vector<T>.Count;
        for (; i <= p.Length - lanes; i += lanes)
        {
            var g = new Vector<T>(gradient[i..]) * rates.Clip;
            var mean = g + ((new Vector<T>(m[i..]) - g) * rates.First);
            var square = (g * g) + ((new Vector<T>(v[i..]) - (g * g)) * rates.Second);
            var next = new Vector<T>(p[i..]) - (mean * rates.Rate / (Vector.SquareRoot(square * rates.SecondScale) + new Vector<T>(rates.Guard)));
            var average = new Vector<T>(a[i..]);
            average += (next - average) * rates.Average;
            mean.CopyTo(m[i..]);
            square.CopyTo(v[i..]);
            next.CopyTo(p[i..]);
            average.CopyTo(a[i..]);
        }

        for (; i < p.Length; i++)
        {
            var g = gradient[i] * rates.Clip;
            m[i] = g + ((m[i] - g) * rates.First);
            v[i] = (g * g) + ((v[i] - (g * g)) * rates.Second);
            p[i] -= m[i] * rates.Rate / (T.Sqrt(v[i] * rates.SecondScale) + rates.Guard);
            a[i] += (p[i] - a[i]) * rates.Average;
        }
    }

    private readonly record struct Rates(T Clip, T First, T Second, T Rate, T SecondScale, T Guard, T Average);
}
