using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.OptimalTransport;

/// <summary>
/// Data-dependent couplings: base points that are computed from the data point by a corruption m and fresh noise, x_0 = m(x_1) + sigma zeta, so that base and
/// data lie near each other. At sampling only m of the observation is needed. Images are vectors of height times width sites in row-major order.
/// </summary>
/// <remarks>Source: M. S. Albergo, M. Goldstein, N. M. Boffi, R. Ranganath and E. Vanden-Eijnden, "Stochastic interpolants with data-dependent couplings"
/// (arXiv 2310.03725), sections 3.1 to 3.3.</remarks>
public static class Corruption
{
    /// <summary>x_0 = m + sigma zeta.</summary>
    /// <param name="corrupted">m(x_1) [d].</param>
    /// <param name="noise">zeta [d], standard normal.</param>
    /// <param name="scale">sigma, a positive scalar or [d]: without noise the base has no density and the velocity is singular at t = 0.</param>
    public static Expr WithNoise(Expr corrupted, Expr noise, Expr scale) => corrupted + (scale * noise);

    /// <summary>In-painting's base point: the data where it is kept, noise elsewhere.</summary>
    /// <param name="data">x_1 [d].</param>
    /// <param name="keep">1 at the sites that are kept, 0 elsewhere [d].</param>
    /// <param name="noise">zeta [d].</param>
    public static Expr InPaint(Expr data, Expr keep, Expr noise) => (keep * data) + ((1 - keep) * noise);

    /// <summary>The means of square blocks.</summary>
    /// <param name="image">[height * width].</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="block">Side of a block; divides both.</param>
    /// <returns>[height / block * width / block].</returns>
    /// <exception cref="ArgumentException">The block doesn't divide the image.</exception>
    public static Expr BlockMean(Expr image, int height, int width, int block)
    {
        CheckBlock(height, width, block);
        return image.Reshape(height / block, block, width / block, block).Mean(1, 3).Reshape(height / block * (width / block));
    }

    /// <summary>Each value of a coarse image repeated over its block.</summary>
    /// <param name="coarse">[height / block * width / block].</param>
    /// <param name="height">Rows of the fine image.</param>
    /// <param name="width">Columns of the fine image.</param>
    /// <param name="block">Side of a block; divides both.</param>
    /// <returns>[height * width].</returns>
    /// <exception cref="ArgumentException">The block doesn't divide the image.</exception>
    public static Expr UpSample(Expr coarse, int height, int width, int block)
    {
        CheckBlock(height, width, block);
        return coarse.Reshape(height / block, 1, width / block, 1).BroadcastTo(new Shape(height / block, block, width / block, block)).Reshape(height * width);
    }

    /// <summary>A mask that keeps each of the square tiles of an image with a probability of its own draw.</summary>
    /// <param name="uniforms">One uniform draw for each tile [height / tile * width / tile].</param>
    /// <param name="masked">Probability that a tile is masked.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="tile">Side of a tile; divides both.</param>
    /// <returns>1 at the sites that are kept, 0 elsewhere [height * width].</returns>
    /// <exception cref="ArgumentException">The tile doesn't divide the image.</exception>
    public static Expr KeptTiles(Expr uniforms, double masked, int height, int width, int tile) =>
        UpSample(uniforms.GreaterOrEqual(masked), height, width, tile);

    private static void CheckBlock(int height, int width, int block)
    {
        if (block < 1 || height % block != 0 || width % block != 0)
        {
            throw new ArgumentException($"Blocks of side {block} don't fill an image of {height} x {width}.", nameof(block));
        }
    }
}
