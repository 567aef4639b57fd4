using Monge.Engine.Arrays;

namespace Monge.Runs;

/// <summary>
/// Tilts of columns of few values: what is added to log probabilities so that each value's mean probability over rows is its share among them, as it is where a
/// likelihood is greatest; networks whose training ended early miss it by a little.
/// </summary>
internal static class DiscreteTilt
{
    // Probabilities that a tilt is found from; with more rows networks need none.
    private const long MostTilted = 10_000_000;
    private const int MostScalings = 200;

    /// <summary>The tilt of a column; null where it needs none.</summary>
    /// <param name="head">The column's law.</param>
    /// <param name="codes">Codes of the rows of the fit [n, m].</param>
    /// <param name="column">The column among the codes.</param>
    /// <param name="columns">m.</param>
    /// <param name="outputs">The numbers that the column's network makes of the rows.</param>
    public static double[]? Find(DiscreteHead head, double[] codes, int column, int columns, Func<NdArray<float>> outputs)
    {
        var n = codes.Length / columns;
        if (head.Values == 0 || (long)head.Values * n > MostTilted)
        {
            return null;
        }

        var numbers = outputs();
        double[][] logs = [.. Enumerable.Range(0, n).Select(row => head.LogProbabilities(numbers.Row(row)))];
        var shares = new double[head.Values];
        for (var row = 0; row < n; row++)
        {
            shares[(int)(codes[(row * columns) + column] - head.First)] += 1.0 / n;
        }

        return TiltOf(logs, shares);
    }

    // The tilt under which the mean probabilities are the shares, by iterated scaling; a value that no row holds keeps its probability.
    private static double[] TiltOf(double[][] logs, double[] shares)
    {
        var (tilt, sums) = (new double[shares.Length], new double[shares.Length]);
        var terms = new double[shares.Length];
        for (var round = 0; round < MostScalings; round++)
        {
            Array.Clear(sums);
            foreach (var log in logs)
            {
                var all = 0.0;
                for (var v = 0; v < tilt.Length; v++)
                {
                    terms[v] = Math.Exp(log[v] + tilt[v]);
                    all += terms[v];
                }

                for (var v = 0; v < tilt.Length; v++)
                {
                    sums[v] += terms[v] / all / logs.Length;
                }
            }

            var largest = 0.0;
            for (var v = 0; v < tilt.Length; v++)
            {
                var step = shares[v] > 0 ? Math.Clamp(Math.Log(shares[v] / sums[v]), -1, 1) : 0;
                (tilt[v], largest) = (tilt[v] + step, Math.Max(largest, Math.Abs(step)));
            }

            if (largest < 1e-6)
            {
                break;
            }
        }

        return tilt;
    }
}
