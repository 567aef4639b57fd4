using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>A normalised density that was fitted to rows of data: what a learned transport has to beat.</summary>
public interface IFittedDensity
{
    /// <summary>What it is and how it was tuned, in words.</summary>
    string Description { get; }

    /// <summary>d.</summary>
    int Dimension { get; }

    /// <summary>The log density of each row, in nats and the rows' own units.</summary>
    /// <param name="rows">Rows [n, d], row-major.</param>
    /// <param name="threads">Threads; 0 is one for each processor. Results are the same to the bit for any number.</param>
    /// <returns>n values.</returns>
    double[] LogDensity(double[] rows, int threads = 0);

    /// <summary>Independent draws.</summary>
    /// <param name="samples">Number of samples n.</param>
    /// <param name="random">The stream they are drawn from.</param>
    /// <returns>Samples [n, d], row-major.</returns>
    double[] Sample(int samples, RandomStream random);
}
